/**
 * Estimates the tokens of a request and an answer, and decides how many a request may reserve. Pure.
 *
 * @module
 */
import type { AgentRequest } from "./Agent.ts"

/** What a message costs besides its text, in tokens: its role and its delimiters. */
const messageCost = 4

/**
 * About how many tokens a text has: a third of its bytes of UTF-8. That is more than English has (four bytes a token), and
 * near what Chinese and Japanese have (three bytes a character).
 */
export const ofText = (text: string): number => Math.ceil(Buffer.byteLength(text) / 3)

/** About how many tokens the input of a request has: its turns and the instructions. */
export const ofRequest = ({ instance, turns }: AgentRequest): number =>
  turns.reduce((sum, { text }) => sum + messageCost + ofText(text), 0) +
  (instance.instructions === null ? 0 : messageCost + ofText(instance.instructions))

/** A request needs this many tokens for its answer at least, unless its own bound is lower. */
const leastAnswer = 64

/** The tokens that a request must have, and those that it may use. */
export const demandOf = (request: AgentRequest): { readonly least: number; readonly most: number } => {
  const input = ofRequest(request)
  const { maxTokens } = request.instance
  return { least: input + Math.min(leastAnswer, maxTokens), most: input + maxTokens }
}

/**
 * How many tokens a request gets of a day's `limit`, of which `used` are used or reserved: what is left, and `most` at
 * most; null if that is less than `least`.
 */
export const grant = (
  limit: number,
  used: number,
  { least, most }: { readonly least: number; readonly most: number }
): number | null => (limit - used < least ? null : Math.min(most, limit - used))
