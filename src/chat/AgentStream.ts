/**
 * Streams the answer of an instance's agent: the interface, its errors, and an agent that follows a script, for tests and for
 * programs without an agent. `chat/agent/AgentClient` asks agents over HTTP.
 *
 * @module
 */
import { Context, type Duration, Effect, Layer, Schema, Stream } from "effect"
import { type AgentEvent, AgentFinish, type AgentRequest, type FinishReason, messageOf } from "./agent/Agent.ts"

/** The agent refused the request, could not be reached, or did not respond with an answer. */
export class AgentRefused extends Schema.TaggedError<AgentRefused>()("AgentRefused", {
  /** What happened, for the log. Contains no text of the agent. */
  reason: Schema.String,
  /** The status of the agent's response, if there was one. */
  status: Schema.optional(Schema.Int),
  /** The error code in the agent's response, such as `model_not_found`, if there was one. */
  providerCode: Schema.optional(Schema.String),
  /** The system's code, such as `ECONNREFUSED`, if there was no connection. */
  code: Schema.optional(Schema.String),
  /** The environment variable that should hold the agent's key, if it is not set. */
  missingKey: Schema.optional(Schema.String),
  /** Whether `SECRETS_KEY` cannot decrypt the stored key. */
  isKeyLocked: Schema.optional(Schema.Boolean)
}) {}

/** The agent accepts no requests at the moment: its rate limit is reached, or it is overloaded. */
export class AgentBusy extends Schema.TaggedError<AgentBusy>()("AgentBusy", {
  reason: Schema.String,
  status: Schema.optional(Schema.Int),
  /** The error code in the agent's response, such as `insufficient_quota`, if there was one. */
  providerCode: Schema.optional(Schema.String),
  /** The seconds to wait before another attempt. */
  retryAfter: Schema.Int
}) {}

/** The instance has used its tokens of the day. */
export class DailyTokensUsed extends Schema.TaggedError<DailyTokensUsed>()("DailyTokensUsed", {
  /** The seconds until the next day (UTC) begins. */
  retryAfter: Schema.Int
}) {}

/** The agent was silent for longer than `AGENT_TIMEOUT`. */
export class AgentTimeout extends Schema.TaggedError<AgentTimeout>()("AgentTimeout", {}) {}

/** The agent's stream broke after the agent had accepted the request: cut, not readable, or over a bound. */
export class AgentBroken extends Schema.TaggedError<AgentBroken>()("AgentBroken", {
  /** What happened, for the log. Contains no text of the agent. */
  reason: Schema.String
}) {}

/** The agent finished without text: it declined, called tools that the client would have to run, or only reasoned. */
export class AgentEmpty extends Schema.TaggedError<AgentEmpty>()("AgentEmpty", {
  finish: AgentFinish,
  /** The name of the first event that is not of the agent's protocol, if there was one. */
  unknownEvent: Schema.optional(Schema.String)
}) {}

/** Fails a stream before its `Accepted`. */
export type AgentRefusal = AgentRefused | AgentBusy | AgentTimeout | DailyTokensUsed

/** Fails a stream after its `Accepted`. */
export type AgentFailure = AgentBroken | AgentEmpty | AgentTimeout

export type AgentError = AgentRefusal | AgentFailure

const ofEmpty = ({ finish, unknownEvent }: AgentEmpty): string =>
  `it finished without text (${finish}${unknownEvent === undefined ? "" : `; its first unknown event is ${unknownEvent}`})`

/** What happened, for the log and for the website's owner. Contains no text of the agent or of the visitor. */
export const reasonOf = (error: AgentError): string => {
  if (error._tag === "AgentTimeout") return "it was silent"
  if (error._tag === "DailyTokensUsed") return "its tokens of the day are used"
  return error._tag === "AgentEmpty" ? ofEmpty(error) : error.reason
}

export class AgentStream extends Context.Service<
  AgentStream,
  {
    /**
     * The first event is always `Accepted`, and the last event of a stream that succeeds is always `Finish`, after at
     * least one `Text` or `Refusal` that is more than white space. Deltas of `Text` and `Refusal` are not empty; an empty
     * `Reasoning` means that the agent reasons without sending its reasoning.
     *
     * An `AgentRefusal` fails the stream before `Accepted`, an `AgentFailure` after it. The upstream request ends when
     * the stream does. After the end of the answer, the agent has one second to end the response, so that its connection
     * can be reused. At most a small buffer is read ahead of the consumer. One consumer pulls at a time.
     */
    readonly stream: (request: AgentRequest) => Stream.Stream<AgentEvent, AgentError>
  }
>()("hydracore/chat/AgentStream") {}

/** A request, with the text of its last message, which is the visitor's. */
export type ScriptedRequest = AgentRequest & { readonly message: string }

/** Answers a request. The script must emit events in the order that `AgentStream` documents. */
export type Script = (request: ScriptedRequest) => Stream.Stream<AgentEvent, AgentError>

/** An answer of these texts (empty ones are left out), accepted at once, with `delay` before each text. */
export const texts = (
  list: Iterable<string>,
  options: { readonly reason?: FinishReason; readonly delay?: Duration.Input } = {}
): Stream.Stream<AgentEvent> => {
  const deltas = Stream.fromIterable(list).pipe(
    Stream.filter((delta) => delta !== ""),
    Stream.map((delta): AgentEvent => ({ _tag: "Text", delta }))
  )
  const { delay } = options
  return Stream.succeed<AgentEvent>({ _tag: "Accepted" }).pipe(
    Stream.concat(
      delay === undefined ? deltas : Stream.mapEffect(deltas, (text) => Effect.delay(Effect.succeed(text), delay))
    ),
    Stream.concat(Stream.succeed<AgentEvent>({ _tag: "Finish", reason: options.reason ?? "stop" }))
  )
}

/** The layer: every request runs the script. */
export const layerScripted = (script: Script): Layer.Layer<AgentStream> =>
  Layer.succeed(
    AgentStream,
    AgentStream.of({ stream: (request) => script({ ...request, message: messageOf(request) }) })
  )
