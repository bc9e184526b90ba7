/**
 * Asks an instance's agent and gives its answer as it comes. The interface alone; see `memory/chat/AgentStream` (scripted)
 * and `agent/AgentStream` (any OpenAI-compatible runtime).
 *
 * @module
 */
import { Context, Schema, type Stream } from "effect"
import type { AgentEvent, AgentRequest } from "../../core/chat/Agent.ts"

/** The agent said no, could not be reached, or answered something that is no answer, before it accepted the request. */
export class AgentRefused extends Schema.TaggedError<AgentRefused>()("AgentRefused", {
  /** For the log: what happened, in our words. Never the upstream's. */
  reason: Schema.String
}) {}

/** The agent was silent for longer than `AGENT_TIMEOUT`. */
export class AgentTimeout extends Schema.TaggedError<AgentTimeout>()("AgentTimeout", {}) {}

/** The agent's stream broke after it had been accepted: cut, not readable, or over a bound. */
export class AgentBroken extends Schema.TaggedError<AgentBroken>()("AgentBroken", {
  /** For the log: what happened, in our words. Never the upstream's. */
  reason: Schema.String
}) {}

export type AgentError = AgentRefused | AgentTimeout | AgentBroken

export class AgentStream extends Context.Service<
  AgentStream,
  {
    /**
     * The first event is always `Accepted` (the agent took the request; nothing was said yet), the last of a stream that
     * succeeds is always `Finish`, and between them stand only `Text`s that are not empty. A failure before `Accepted`
     * is an `AgentRefused` or an `AgentTimeout`; one after it an `AgentBroken` or an `AgentTimeout`. The upstream request
     * ends when the stream does, for whatever reason; after a `Finish` the agent may take a second to end it by itself,
     * so that its connection serves the next. Nothing is read ahead of the consumer beyond a small buffer. It is for one
     * reader, which asks for one thing at a time.
     */
    readonly stream: (request: AgentRequest) => Stream.Stream<AgentEvent, AgentError>
  }
>()("hydracore/services/AgentStream") {}
