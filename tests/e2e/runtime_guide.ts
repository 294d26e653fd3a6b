// Every thread, message and run of the guide with the official Node SDK, as far as it compiles: what had to be mended stands in
// test_runtime_guide.py. A chapter returns what the test compares; all of them are printed.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const { threads } = client.beta;
const OSLO = "What's the weather in Oslo?";
const ACTIVE = ["queued", "in_progress", "requires_action", "cancelling"];
type Run = OpenAI.Beta.Threads.Run;
type Event = OpenAI.Beta.AssistantStreamEvent;
const GET_WEATHER: OpenAI.Beta.AssistantTool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Get the current weather for a location",
    parameters: {
      type: "object",
      properties: {
        location: { type: "string", description: "City name, e.g., 'San Francisco'" },
        unit: { type: "string", enum: ["celsius", "fahrenheit"] },
      },
      required: ["location"],
    },
  },
};

async function begun(text: string, tools: OpenAI.Beta.AssistantTool[] = []) {
  const assistant = await client.beta.assistants.create({ model: "gpt-4o", tools });
  const thread = await threads.create({ messages: [{ role: "user", content: text }] });
  return { thread, assistant_id: assistant.id };
}

async function ended(run: Run): Promise<Run> {
  while (["queued", "in_progress", "cancelling"].includes(run.status)) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    run = await threads.runs.retrieve(run.id, { thread_id: run.thread_id });
  }
  return run;
}

async function lastSaid(threadId: string): Promise<string> {
  const part = (await threads.messages.list(threadId)).data[0]?.content[0];
  return part?.type === "text" ? part.text.value : "";
}

function outputsOf(run: Run) {
  const calls = run.required_action?.submit_tool_outputs.tool_calls ?? [];
  return calls.map((call) => {
    const { location } = JSON.parse(call.function.arguments);
    return { tool_call_id: call.id, output: JSON.stringify({ location, degrees: 3 }) };
  });
}

async function followed(stream: AsyncIterable<Event>) {
  const names: string[] = [];
  let said = "";
  for await (const event of stream) {
    names.push(event.event);
    if (event.event !== "thread.message.delta") continue;
    const part = event.data.delta.content?.[0];
    if (part?.type === "text") said += part.text?.value ?? "";
  }
  return { names, said };
}

async function refusal(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof OpenAI.APIError) return error.message;
    throw error;
  }
  return "";
}

const CHAPTERS: Record<string, () => Promise<unknown>> = {
  async quick_start() {
    const tutor = await client.beta.assistants.create({
      name: "Math Tutor",
      instructions: "You are a personal math tutor. Write and run code.",
      tools: [{ type: "code_interpreter" }],
      model: "gpt-4o",
    });
    const thread = await threads.create();
    await threads.messages.create(thread.id, { role: "user", content: "Solve 3x + 11 = 14" });
    const run = await ended(await threads.runs.create(thread.id, { assistant_id: tutor.id }));
    return [run.status, (await lastSaid(thread.id)).includes("3x + 11 = 14")];
  },

  async threads() {
    const made = await threads.create({ metadata: { user_id: "user_123" } });
    const found = await threads.retrieve(made.id);
    const changed = await threads.update(made.id, { metadata: { user_id: "user_9" } });
    const gone = await threads.delete(made.id);
    return [found.metadata, changed.metadata, gone.deleted, "list" in threads];
  },

  async messages() {
    const thread = await threads.create();
    const thread_id = thread.id;
    const file = new File(["a\n1\n"], "data.csv");
    const data = await client.files.create({ file, purpose: "assistants" });
    const message = await threads.messages.create(thread_id, {
      role: "user",
      content: "Can you analyze this data?",
      attachments: [{ file_id: data.id, tools: [{ type: "code_interpreter" }] }],
    });
    const found = await threads.messages.retrieve(message.id, { thread_id });
    const edited = await threads.messages.update(message.id, { thread_id, metadata: { edited: "true" } });
    const listed = await threads.messages.list(thread_id, { limit: 20, order: "desc" });
    const gone = await threads.messages.delete(message.id, { thread_id });
    return [found.attachments?.[0]?.file_id === data.id, edited.metadata, listed.data.length, gone.deleted];
  },

  async runs() {
    const { thread, assistant_id } = await begun("Hello", [GET_WEATHER]);
    const thread_id = thread.id;
    const first = await threads.runs.create(thread_id, {
      assistant_id,
      instructions: "Please address the user as Jane Doe.",
      additional_messages: [{ role: "user", content: OSLO }],
    });
    const waiting = await ended(first);
    const cancelled = await ended(await threads.runs.cancel(first.id, { thread_id }));
    const again = await ended(await threads.runs.create(thread_id, { assistant_id, tool_choice: "none" }));
    const listed = await threads.runs.list(thread_id, { limit: 10, order: "desc" });
    return [waiting.status, cancelled.status, again.status, listed.data.map((one) => one.id === first.id)];
  },

  async streaming() {
    const { thread, assistant_id } = await begun("Please say this back to me, word by word.");
    const { names, said } = await followed(threads.runs.stream(thread.id, { assistant_id }));
    const plain = await threads.runs.create(thread.id, { assistant_id, stream: true });
    const again = await followed(plain);
    return [names[0], names.at(-1), said === again.said, again.said === (await lastSaid(thread.id))];
  },

  async code_interpreter() {
    const { thread, assistant_id } = await begun("Compute the sum.", [{ type: "code_interpreter" }]);
    let code = "";
    for await (const event of threads.runs.stream(thread.id, { assistant_id })) {
      if (event.event !== "thread.run.step.delta") continue;
      const details = event.data.delta.step_details;
      const call = details?.type === "tool_calls" ? details.tool_calls?.[0] : undefined;
      if (call?.type === "code_interpreter") code += call.code_interpreter?.input ?? "";
    }
    const { content } = (await threads.messages.list(thread.id)).data[0]!;
    return [code.includes("No code was run"), content.map((part) => part.type)];
  },

  async file_search() {
    const store = await client.vectorStores.create({ name: "Product Documentation" });
    const file = new File(["How to install the product: run the installer.\n"], "product_guide.md");
    await client.vectorStores.files.uploadAndPoll(store.id, file);
    const support = await client.beta.assistants.create({
      model: "gpt-4o",
      tools: [{ type: "file_search" }],
      tool_resources: { file_search: { vector_store_ids: [store.id] } },
    });
    const messages = [{ role: "user" as const, content: "How do I install the product?" }];
    const run = await threads.createAndRunPoll({ assistant_id: support.id, thread: { messages } });
    return [run.status, (await lastSaid(run.thread_id)).includes("run the installer")];
  },

  async functions() {
    const { thread, assistant_id } = await begun(OSLO, [GET_WEATHER]);
    const thread_id = thread.id;
    let run = await ended(await threads.runs.create(thread_id, { assistant_id }));
    run = await threads.runs.submitToolOutputs(run.id, { thread_id, tool_outputs: outputsOf(run) });
    run = await ended(run);
    const additional_messages = [{ role: "user" as const, content: OSLO }];
    const asking = threads.runs.stream(thread_id, { assistant_id, additional_messages });
    const { names } = await followed(asking);
    const waiting = asking.currentRun()!;
    const tool_outputs = outputsOf(waiting);
    const rest = await followed(threads.runs.submitToolOutputsStream(waiting.id, { thread_id, tool_outputs }));
    return [run.status, names.at(-1), rest.names.at(-1), rest.said === (await lastSaid(thread_id))];
  },

  async helpers() {
    const { thread, assistant_id } = await begun(OSLO, [GET_WEATHER]);
    const thread_id = thread.id;
    const run = await threads.runs.createAndPoll(thread_id, { assistant_id });
    const tool_outputs = outputsOf(run);
    const done = await threads.runs.submitToolOutputsAndPoll(run.id, { thread_id, tool_outputs });
    let said = "";
    const messages = [{ role: "user" as const, content: "Hello" }];
    const stream = threads.createAndRunStream({ assistant_id, thread: { messages } });
    stream.on("textDelta", (delta) => (said += delta.value));
    const final = await stream.finalRun();
    return [run.status, done.status, final.status, said];
  },

  async lifecycle() {
    const kept = new Map<string, string>();
    async function threadOf(user: string): Promise<string> {
      const id = kept.get(user) ?? (await threads.create({ metadata: { user_id: user } })).id;
      kept.set(user, id);
      return id;
    }
    const mine = await threadOf("ann");
    const same = (await threadOf("ann")) === mine;
    const { assistant_id } = await begun("Hello", [GET_WEATHER]);
    await threads.messages.create(mine, { role: "user", content: OSLO });
    await ended(await threads.runs.create(mine, { assistant_id }));
    const latest = (await threads.runs.list(mine, { limit: 1, order: "desc" })).data[0];
    const second = await refusal(threads.runs.create(mine, { assistant_id }));
    for (const id of kept.values()) await threads.delete(id);
    const gone = await refusal(threads.retrieve(mine));
    return [same, ACTIVE.includes(latest!.status), second.includes("already has an active run"), gone.slice(0, 3)];
  },

  async errors() {
    const { thread, assistant_id } = await begun(OSLO, [GET_WEATHER]);
    const thread_id = thread.id;
    const run = await ended(await threads.runs.create(thread_id, { assistant_id }));
    const said = { role: "user" as const, content: "And tomorrow?" };
    const refused = await refusal(threads.messages.create(thread_id, said));
    const cancelled = await ended(await threads.runs.cancel(run.id, { thread_id }));
    await threads.messages.create(thread_id, said);
    return [refused.replace(/\w+_\w{20,}/g, "X"), cancelled.status];
  },

  async costs() {
    const { thread, assistant_id } = await begun("word ".repeat(400));
    const run = await ended(await threads.runs.create(thread.id, { assistant_id }));
    const limits = { max_prompt_tokens: 2000, max_completion_tokens: 256 };
    const short = await ended(await threads.runs.create(thread.id, { assistant_id, ...limits }));
    return [run.usage!.total_tokens > 400, short.status, short.incomplete_details?.reason];
  },
};

const told: Record<string, unknown> = {};
for (const [name, chapter] of Object.entries(CHAPTERS)) {
  told[name] = await chapter().catch((error: unknown) => String(error));
}
console.log(JSON.stringify(told));
