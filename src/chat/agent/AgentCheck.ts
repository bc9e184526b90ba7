/**
 * The outcome of a test question to an agent, and the problem that it reveals. Pure; browsers can import it.
 *
 * @module
 */
import * as Certificate from "../../platform/outward/Certificate.ts"

/** A question, and how much of its answer is read. */
export interface Question {
  readonly text: string
  /** The maximum number of tokens of the answer. A reasoning model may use them up before its first word. */
  readonly maxTokens: number
  /** The maximum number of characters of the answer that are read. */
  readonly characters: number
}

/** The question of the command line: the first word is enough. */
export const ofOperator: Question = { text: "Reply with the word OK.", maxTokens: 64, characters: 1 }

/** The question of an owner, who reads the beginning of the answer. */
export const ofOwner = (text: string): Question => ({ text, maxTokens: 512, characters: 500 })

export type Outcome =
  /** `text` is the beginning of the answer; empty, with `firstWordMillis` null, if the agent only reasoned. */
  | { readonly _tag: "Answered"; readonly text: string; readonly firstWordMillis: number | null }
  /** The agent refused the question with an HTTP status. `code` is the provider's error code, if there is one. */
  | { readonly _tag: "Refused"; readonly status: number; readonly code?: string }
  /**
   * The agent accepted the question, but its response has an error or ended without an answer. `reason` has no text of the
   * agent.
   */
  | { readonly _tag: "Failed"; readonly reason: string }
  /** No response. `reason` is a system error code, or a text of this program. */
  | { readonly _tag: "Unavailable"; readonly reason: string }
  /** The agent accepted the question, and sent no text within the timeout. */
  | { readonly _tag: "Silent"; readonly reason: string }
  /** The environment variable that should hold the key is not set here. */
  | { readonly _tag: "NoKey"; readonly variable: string }
  /** `SECRETS_KEY` cannot decrypt the stored key. */
  | { readonly _tag: "LockedKey" }
  /** The instance has used its tokens of the day. */
  | { readonly _tag: "TokensUsed" }

/** Why an agent does not answer, for an owner, who sees neither the operator's settings nor the network. */
export const problems = [
  "key",
  "no-key",
  "address",
  "not-public",
  "certificate",
  "unreachable",
  "quota",
  "daily-tokens",
  "busy",
  "request",
  "failing",
  "silent",
  "no-answer"
] as const

export type Problem = (typeof problems)[number]

const ofStatus = (status: number): Problem => {
  switch (status) {
    case 401:
    case 403:
      return "key"
    case 402:
    case 429:
      return "quota"
    case 404:
    case 405:
      return "address"
    case 503:
    case 529:
      return "busy"
  }
  return status < 400 ? "address" : status < 500 ? "request" : "failing"
}

/** The error code of a connection that the guard of outward connections refused. */
const notPublic = "ENOTPUBLIC"

/** Null if the agent answers. */
export const problemOf = (outcome: Outcome): Problem | null => {
  switch (outcome._tag) {
    case "Answered":
      return null
    case "Refused":
      return ofStatus(outcome.status)
    case "Failed":
      return "no-answer"
    case "Silent":
      return "silent"
    case "NoKey":
    case "LockedKey":
      return "no-key"
    case "TokensUsed":
      return "daily-tokens"
    case "Unavailable":
      return outcome.reason === notPublic
        ? "not-public"
        : Certificate.faultOf(outcome.reason) === undefined
          ? "unreachable"
          : "certificate"
  }
}
