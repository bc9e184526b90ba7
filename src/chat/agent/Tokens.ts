/**
 * Estimates the tokens of a request and an answer, and decides how many a request may reserve. Pure.
 *
 * @module
 */
import type { AgentRequest } from "./Agent.ts"

/** The overhead of a message in tokens, for its role and delimiters. */
const messageCost = 4

/**
 * The estimated tokens of a text: a third of its UTF-8 bytes. The estimate is too high for English (four bytes a token) and
 * close for Chinese and Japanese (three bytes a character).
 */
export const ofText = (text: string): number => Math.ceil(Buffer.byteLength(text) / 3)

/** The estimated tokens of a request's input: its messages and the instructions. */
export const ofRequest = ({ instance, messages }: AgentRequest): number =>
  messages.reduce((sum, { text }) => sum + messageCost + ofText(text), 0) +
  (instance.instructions === null ? 0 : messageCost + ofText(instance.instructions))

/** The minimum number of tokens for an answer, unless the instance's `maxTokens` is lower. */
const minAnswerTokens = 64

/** The minimum and maximum number of tokens that a request may reserve. */
export const demandOf = (request: AgentRequest): { readonly min: number; readonly max: number } => {
  const input = ofRequest(request)
  const { maxTokens } = request.instance
  return { min: input + Math.min(minAnswerTokens, maxTokens), max: input + maxTokens }
}

/**
 * How many tokens a request may reserve, if `used` tokens of the day's `limit` are used or reserved: all that are left, but not
 * more than `max`. Null if fewer than `min` are left.
 */
export const grant = (
  limit: number,
  used: number,
  { max, min }: { readonly min: number; readonly max: number }
): number | null => (limit - used < min ? null : Math.min(max, limit - used))
