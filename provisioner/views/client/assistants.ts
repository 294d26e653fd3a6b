
//   client.beta.threads.create()                      start(client)
//   client.beta.threads.messages.create(…)            ask(client, name, conversation, text)
//     and client.beta.threads.runs.createAndPoll(…)
//     and client.beta.threads.runs.submitToolOutputs(…)   … { functions: { name: callable } }
//   client.beta.threads.runs.stream(…)                stream(client, name, conversation, text)
//   client.files.create(…) for an attachment          … { files: [id] }
//   client.beta.threads.delete(…)                     forget(client, conversation)
//
// A conversation is a thread, kept by its id. Under `api: responses` the same functions are written
// for conversations, and what calls them stays as it is.

export type Functions = Record<string, (given: any) => unknown>;
export type More = { functions?: Functions; files?: string[] };

/** What came of a question; `status` is `completed`, or how it ended otherwise. */
export type Answer = { text: string; status: string; cited: string[] };

const ROUNDS = 10; // times that functions are called before one question is answered
const TOO_MANY = `functions were called ${ROUNDS} times, and nothing was said`;

/** What a run is made with. */
export function assistantId(name: Name): string {
  return resources[`assistant.${name}`].id;
}

/** `threads.create`: the id of a new thread. Keep it, as there is no list of them. */
export async function start(client: OpenAI, metadata: Record<string, string> = {}): Promise<string> {
  return (await client.beta.threads.create({ metadata })).id;
}

/**
 * `threads.messages.create`, `threads.runs.createAndPoll` and, for the functions that are called,
 * `threads.runs.submitToolOutputs`.
 */
export async function ask(
  client: OpenAI,
  name: Name,
  conversation: string,
  text: string,
  { functions = {}, files = [] }: More = {},
): Promise<Answer> {
  const { runs } = client.beta.threads;
  await say(client, conversation, text, files);
  let run = await runs.createAndPoll(conversation, { assistant_id: assistantId(name) });
  for (let round = 0; round < ROUNDS; round++) {
    if (run.status !== "requires_action") return answer(client, run);
    const tool_outputs = await outputs(run, functions);
    run = await runs.submitToolOutputsAndPoll(run.id, { thread_id: conversation, tool_outputs });
  }
  await runs.cancel(run.id, { thread_id: conversation });
  throw new Error(TOO_MANY);
}

/** `threads.runs.stream`: the answer, piece by piece. */
export async function* stream(
  client: OpenAI,
  name: Name,
  conversation: string,
  text: string,
  { functions = {}, files = [] }: More = {},
): AsyncGenerator<string> {
  const { runs } = client.beta.threads;
  await say(client, conversation, text, files);
  let events = runs.stream(conversation, { assistant_id: assistantId(name) });
  for (let round = 0; round < ROUNDS; round++) {
    for await (const event of events) {
      if (event.event === "thread.message.delta") {
        for (const part of event.data.delta.content ?? []) {
          if (part.type === "text" && part.text?.value) yield part.text.value;
        }
      }
    }
    const run = await events.finalRun();
    if (run.status === "completed") return;
    if (run.status !== "requires_action") {
      throw new Error(`the run ended: ${run.status}, ${run.last_error?.message}`);
    }
    const tool_outputs = await outputs(run, functions);
    events = runs.submitToolOutputsStream(run.id, { thread_id: conversation, tool_outputs });
  }
  throw new Error(TOO_MANY);
}

/** `threads.delete`, with all that was said. */
export async function forget(client: OpenAI, conversation: string): Promise<void> {
  await client.beta.threads.delete(conversation);
}

async function say(client: OpenAI, thread: string, content: string, files: string[]): Promise<void> {
  const tools = [{ type: "file_search" as const }];
  const attachments = files.map((file_id) => ({ file_id, tools }));
  await client.beta.threads.messages.create(thread, { role: "user", content, attachments });
}

async function outputs(run: OpenAI.Beta.Threads.Run, functions: Functions) {
  const calls = run.required_action?.submit_tool_outputs.tool_calls ?? [];
  return Promise.all(
    calls.map(async (call) => {
      const output = await called(call.function.name, call.function.arguments, functions);
      return { tool_call_id: call.id, output };
    }),
  );
}

/** What a function returns; what goes wrong is for the model to read. */
async function called(name: string, given: string, functions: Functions): Promise<string> {
  try {
    const wanted = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (wanted === undefined) throw new Error(`there is no function ${name}`);
    const result = await wanted(JSON.parse(given || "{}"));
    return typeof result === "string" ? result : (JSON.stringify(result) ?? "null");
  } catch (error) {
    return String(error);
  }
}

async function answer(client: OpenAI, run: OpenAI.Beta.Threads.Run): Promise<Answer> {
  const texts: string[] = [];
  const cited = new Set<string>();
  const wanted = { run_id: run.id, order: "asc" as const };
  for await (const message of client.beta.threads.messages.list(run.thread_id, wanted)) {
    for (const part of message.content) {
      if (part.type !== "text") continue;
      texts.push(part.text.value);
      for (const note of part.text.annotations) {
        if (note.type === "file_citation") cited.add(note.file_citation.file_id);
      }
    }
  }
  return { text: texts.join("\n"), status: run.status, cited: [...cited] };
}
