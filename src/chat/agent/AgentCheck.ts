/**
 * The outcome of a test question to an agent, and the problem that it reveals. Pure; browsers can import it.
 *
 * @module
 */
import { Schema } from "effect"
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

export const Outcome = Schema.Union([
  /** `text` is the beginning of the answer; empty, with `firstWordMillis` null, if the agent only reasoned. */
  Schema.TaggedStruct("Answered", { text: Schema.String, firstWordMillis: Schema.NullOr(Schema.Finite) }),
  /** The agent refused the question with an HTTP status. `code` is the provider's error code, if there is one. */
  Schema.TaggedStruct("Refused", { status: Schema.Int, code: Schema.optionalKey(Schema.String) }),
  /**
   * The agent accepted the question, but its response has an error or ended without an answer. `reason` has no text of the
   * agent.
   */
  Schema.TaggedStruct("Failed", { reason: Schema.String }),
  /** No response. `reason` is a system error code, or a text of this program. */
  Schema.TaggedStruct("Unavailable", { reason: Schema.String }),
  /** The agent accepted the question, and sent no text within the timeout. */
  Schema.TaggedStruct("Silent", { reason: Schema.String }),
  /** The environment variable that should hold the key is not set here. */
  Schema.TaggedStruct("NoKey", { variable: Schema.String }),
  /** `SECRETS_KEY` cannot decrypt the stored key. */
  Schema.TaggedStruct("LockedKey", {}),
  /** The instance has used its tokens of the day. */
  Schema.TaggedStruct("TokensUsed", {})
])

export type Outcome = typeof Outcome.Type

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
