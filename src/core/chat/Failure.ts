/**
 * Why a chat stream ends badly, and what a visitor reads of it. Pure.
 *
 * @module
 */

/** Why a chat stream ends without the agent having finished. */
export type Failure =
  /** The agent was silent for too long. */
  | "agent-timeout"
  /** The agent's stream broke. */
  | "agent-broken"
  /** The agent finished without a word. */
  | "agent-empty"
  /** The agent declined to answer, without a word. */
  | "agent-declined"
  /** The stream lasted too long. */
  | "too-long"
  /** The agent said too much. */
  | "too-much"
  /** The visitor does not read. */
  | "unread"
  /** This process is about to end. */
  | "shutting-down"
  /** A fault of this service. */
  | "internal"

/** What a visitor reads of a failure. */
export const sentences: Readonly<Record<Failure, string>> = {
  "agent-timeout": "The agent stopped answering. Please try again.",
  "agent-broken": "The answer was interrupted. Please try again.",
  "agent-empty": "The assistant found no answer to this. Please ask in other words.",
  "agent-declined": "The assistant does not answer this. Please ask something else.",
  "too-long": "The answer took too long and was ended here.",
  "too-much": "The answer became too long and was ended here.",
  unread: "The answer was not read and was ended here.",
  "shutting-down": "The service is restarting. Please send your message again in a moment.",
  internal: "Something went wrong on our side. Please try again."
}
