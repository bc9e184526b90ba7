/**
 * The bounds of an agent's response. `AnswerReader` and `core/chat/agent/AgentThrottle` have the bounds of a stream.
 *
 * @module
 */
import type { AgentFinish } from "../../core/chat/agent/Agent.ts"

/** The longest answer that is not streamed, in bytes. */
export const maxWhole = 1024 * 1024

/** How much of a refusal is read to find its reason, in bytes. */
export const maxRefusal = 64 * 1024

/** How long the body of a refusal may take, in milliseconds. */
export const refusalTimeout = 2000

/** How many informational responses (1xx) an agent may send before its answer. Ordinary servers send one or two. */
export const maxInformational = 16

/** After the end of an answer: how long the response may take to end (milliseconds), and what it may still send (bytes). */
export const linger = { millis: 1000, bytes: 64 * 1024 }

/**
 * How long an agent that sent a finish reason may be silent before its answer counts as ended, in milliseconds.
 * Protocols end a stream with `[DONE]` or the response's end; some runtimes do neither.
 */
const finishGrace = 5000

/**
 * How long an agent may be silent, in milliseconds. An agent that finished with tool calls may run the tools itself and
 * continue.
 */
export const silenceTimeout = (finishReason: AgentFinish | undefined, timeout: number): number =>
  finishReason === undefined || finishReason === "tool-calls" ? timeout : Math.min(finishGrace, timeout)
