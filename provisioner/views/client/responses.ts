
// Where threads were used, conversations are used now:
//
//   client.beta.threads.create()                      start(client)
//   client.beta.threads.messages.create(…)            ask(client, name, conversation, text)
//     and client.beta.threads.runs.createAndPoll(…)
//     and client.beta.threads.runs.submitToolOutputs(…)   … { functions: { name: callable } }
//   client.beta.threads.runs.stream(…)                stream(client, name, conversation, text)
//   client.files.create(…) for an attachment          … { files: [id] }
//   client.beta.threads.delete(…)                     forget(client, conversation)
//
// A conversation is kept by its id, as a thread was. Threads are not carried over.

export type Functions = Record<string, (given: any) => unknown>;
export type More = { functions?: Functions; files?: string[] };

/** What came of a question; `status` is `completed`, or how it ended otherwise. */
export type Answer = { text: string; status: string; cited: string[] };

const ROUNDS = 10; // times that functions are called before one question is answered
const TOO_MANY = `functions were called ${ROUNDS} times, and nothing was said`;

/** The arguments of `responses.create`: what `assistant_id` was to a run. */
export function request(name: Name): OpenAI.Responses.ResponseCreateParamsNonStreaming {
  return { ...resources[`assistant.${name}`].request };
}

/** Instead of `threads.create`: the id of a new conversation. Keep it, as there is no list of them. */
export async function start(client: OpenAI, metadata: Record<string, string> = {}): Promise<string> {
  return (await client.conversations.create({ metadata })).id;
}

/**
 * Instead of `threads.messages.create`, `threads.runs.createAndPoll` and, for the functions that are
 * called, `threads.runs.submitToolOutputs`.
 */
export async function ask(
  client: OpenAI,
  name: Name,
  conversation: string,
  text: string,
  { functions = {}, files = [] }: More = {},
): Promise<Answer> {
  let input = message(text, files);
  for (let round = 0; round < ROUNDS; round++) {
    const response = await client.responses.create({ ...request(name), conversation, input });
    const calls = response.output.filter((item) => item.type === "function_call");
    if (calls.length === 0) return answer(response);
    input = await Promise.all(calls.map((call) => outputOf(call, functions)));
  }
  throw new Error(TOO_MANY);
}

/** Instead of `threads.runs.stream`: the answer, piece by piece. */
export async function* stream(
  client: OpenAI,
  name: Name,
  conversation: string,
  text: string,
  { functions = {}, files = [] }: More = {},
): AsyncGenerator<string> {
  let input = message(text, files);
  for (let round = 0; round < ROUNDS; round++) {
    const calls: OpenAI.Responses.ResponseFunctionToolCall[] = [];
    const wanted = { ...request(name), conversation, input, stream: true as const };
    for await (const event of await client.responses.create(wanted)) {
      if (event.type === "response.output_text.delta") yield event.delta;
      if (event.type === "response.output_item.done" && event.item.type === "function_call") {
        calls.push(event.item);
      }
      if (event.type === "response.failed") {
        throw new Error(`the response failed: ${event.response.error?.message}`);
      }
      if (event.type === "error") throw new Error(event.message);
    }
    if (calls.length === 0) return;
    input = await Promise.all(calls.map((call) => outputOf(call, functions)));
  }
  throw new Error(TOO_MANY);
}

/** Instead of `threads.delete`: what was said goes first, as it would be left. */
export async function forget(client: OpenAI, conversation: string): Promise<void> {
  const ids: string[] = [];
  for await (const item of client.conversations.items.list(conversation)) {
    if (item.id) ids.push(item.id);
  }
  for (const id of ids) await client.conversations.items.delete(id, { conversation_id: conversation });
  await client.conversations.delete(conversation);
}

function message(text: string, files: string[]): OpenAI.Responses.ResponseInputItem[] {
  const parts = files.map((file_id) => ({ type: "input_file" as const, file_id }));
  return [{ role: "user", content: [...parts, { type: "input_text", text }] }];
}

async function outputOf(
  call: OpenAI.Responses.ResponseFunctionToolCall,
  functions: Functions,
): Promise<OpenAI.Responses.ResponseInputItem.FunctionCallOutput> {
  const output = await called(call.name, call.arguments, functions);
  return { type: "function_call_output", call_id: call.call_id, output };
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

function answer(response: OpenAI.Responses.Response): Answer {
  const cited = new Set<string>();
  for (const item of response.output) {
    for (const part of item.type === "message" ? item.content : []) {
      for (const note of part.type === "output_text" ? part.annotations : []) {
        if (note.type === "file_citation") cited.add(note.file_id);
      }
    }
  }
  return { text: response.output_text, status: response.status ?? "completed", cited: [...cited] };
}
