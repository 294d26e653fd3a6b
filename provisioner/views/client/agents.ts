
// Where threads were used, sessions are used now. One begins with the first question, because the
// service begins none that has nothing to do:
//
//   client.beta.threads.create()                      start(client, name, text), which answers
//   client.beta.threads.messages.create(…)            ask(client, conversation, text)
//     and client.beta.threads.runs.createAndPoll(…)
//     and client.beta.threads.runs.submitToolOutputs(…)   … { functions: { name: callable } }
//   client.beta.threads.runs.stream(…)                stream(client, conversation, text)
//   client.beta.threads.delete(…)                     forget(client, conversation)
//
// A conversation is kept by its id, as a thread was; it goes on with the agent as it was when it
// began. Files lie in the environment: `session` of the spec names a template. What is sent needs no
// SDK that knows sessions.

export type Functions = Record<string, (given: any) => unknown>;
export type More = { functions?: Functions; metadata?: Record<string, string> };

/** What came of a question; `status` is `completed`, or how it ended otherwise. */
export type Answer = { text: string; status: string };

const SESSIONS = "/agents/sessions";
const BETA = { "OpenAI-Beta": "agents=v1" };
const ENDS = ["completed", "failed", "cancelled"];
const RESTS = ["agent.session.idle", "agent.session.failed"];

/** The arguments of a new session: the agent, and what the spec says of its sessions. */
export function session(name: Name): Record<string, unknown> {
  const resource: Record<string, unknown> = resources[`assistant.${name}`];
  const plain = { agent_id: resource["id"], environment: { type: "none" } };
  return { ...((resource["session"] as Record<string, unknown> | undefined) ?? plain) };
}

/** Instead of `threads.create` and the first question: the id of a new session, and its answer. */
export async function start(
  client: OpenAI,
  name: Name,
  text: string,
  { functions = {}, metadata = {} }: More = {},
): Promise<{ conversation: string; answer: Answer }> {
  const body = { ...session(name), input: text, metadata, stream: true };
  const events: AsyncIterable<any> = await client.post(SESSIONS, { body, headers: BETA, stream: true });
  const turn = new Turn(client, functions);
  const answer = await whole(turn, events);
  return { conversation: turn.conversation, answer };
}

/**
 * Instead of `threads.messages.create`, `threads.runs.createAndPoll` and, for the functions that are
 * called, `threads.runs.submitToolOutputs`.
 */
export async function ask(
  client: OpenAI,
  conversation: string,
  text: string,
  { functions = {} }: More = {},
): Promise<Answer> {
  return whole(new Turn(client, functions), await asked(client, conversation, text));
}

/** Instead of `threads.runs.stream`: the answer, piece by piece. */
export async function* stream(
  client: OpenAI,
  conversation: string,
  text: string,
  { functions = {} }: More = {},
): AsyncGenerator<string> {
  const turn = new Turn(client, functions);
  yield* turn.pieces(await asked(client, conversation, text));
  if (turn.status !== "completed") throw new Error(`the turn is ${turn.status}: ${turn.why}`);
}

/** Instead of `threads.delete`; the service refuses it while the agent works. */
export async function forget(client: OpenAI, conversation: string): Promise<void> {
  await client.delete(`${SESSIONS}/${conversation}`, { headers: BETA });
}

/** What happens from now on, and the question. */
async function asked(client: OpenAI, conversation: string, text: string): Promise<AsyncIterable<any>> {
  const path = `${SESSIONS}/${conversation}/events`;
  const events: AsyncIterable<any> & { controller?: AbortController } = await client.get(path, {
    headers: BETA,
    stream: true,
  });
  const content = [{ type: "input_text", text }];
  const input = [{ type: "message", role: "user", content }];
  try {
    await send(client, conversation, [{ type: "agent.session.input.message", input }]);
  } catch (error) {
    events.controller?.abort();
    throw error;
  }
  return events;
}

async function send(client: OpenAI, conversation: string, events: unknown[]): Promise<void> {
  await client.post(`${SESSIONS}/${conversation}/events`, { body: { events }, headers: BETA });
}

async function whole(turn: Turn, events: AsyncIterable<any>): Promise<Answer> {
  let text = "";
  for await (const piece of turn.pieces(events)) text += piece;
  return { text, status: turn.status };
}

/** One question and its answer, as the events of a session tell it. */
class Turn {
  conversation = "";
  status = ""; // until it has ended
  why = "";
  private readonly answers = new Set<string>(); // the messages that are an answer, not a remark
  private readonly given = new Set<string>(); // the calls that were answered

  constructor(client: OpenAI, functions: Functions) {
    this.client = client;
    this.functions = functions;
  }
  private readonly client: OpenAI;
  private readonly functions: Functions;

  /** What the agent says in the end; calls of functions are answered meanwhile. */
  async *pieces(events: AsyncIterable<any>): AsyncGenerator<string> {
    for await (const event of events) {
      if (event.type === "agent.session.turn.item.added") {
        const { item } = event;
        if (item.type === "message" && item.phase !== "commentary") this.answers.add(item.id);
      } else if (event.type === "agent.session.turn.output_text.delta") {
        if (this.answers.has(event.item_id)) yield event.delta;
      }
      if (event.turn && !event.turn.subagent_id && ENDS.includes(event.turn.status)) {
        this.end(event.turn.status, event.turn.error?.message);
      }
      if (event.type === "agent.session.failed") this.end("failed", event.session.error);
      if (event.session) await this.give(event.session);
      if (this.status && RESTS.includes(event.type)) return;
    }
    throw new Error("the stream broke off before there was an answer");
  }

  private end(status: string, why: unknown): void {
    this.status = status;
    this.why = String(why ?? "");
  }

  private async give(session: any): Promise<void> {
    this.conversation = session.id;
    const results: unknown[] = [];
    for (const action of session.required_actions ?? []) {
      if (action.type !== "function_call") throw new Error(`the session waits for ${action.type}`);
      if (this.given.has(action.call_id)) continue;
      this.given.add(action.call_id);
      const output = await called(action.name, action.arguments, this.functions);
      const { call_id, turn_id } = action;
      results.push({ type: "agent.session.input.tool_result", call_id, turn_id, success: true, output });
    }
    if (results.length) await send(this.client, session.id, results);
  }
}

/** What a function returns; what goes wrong is for the model to read. */
async function called(name: string, given: unknown, functions: Functions): Promise<string> {
  try {
    const wanted = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (wanted === undefined) throw new Error(`there is no function ${name}`);
    const result = await wanted(typeof given === "string" ? JSON.parse(given || "{}") : given);
    return typeof result === "string" ? result : (JSON.stringify(result) ?? "null");
  } catch (error) {
    return String(error);
  }
}
