/**
 * Recognizes a request that is too long for an agent's model, and shortens it. Pure.
 *
 * @module
 */
import type { AgentRequest, ModelMessage } from "./Agent.ts"

/** The statuses with which providers refuse a request that is too long. */
const statuses: ReadonlySet<number> = new Set([400, 413, 422, 500])

/** The maximum length of a refusal's body that is read, in UTF-16 units. */
const maxBody = 16 * 1024

/** The codes and sentences with which providers say that a request is too long, from their documentation and their servers. */
const signs: ReadonlyArray<readonly [sign: RegExp, providers: string]> = [
  [/context_length_exceeded/i, "OpenAI, Azure, Groq"],
  [/string_above_max_length/i, "OpenAI"],
  [/reduce the length of/i, "Groq, with 413"],
  [/prompt (is )?too (long|large)/i, "Anthropic"],
  [/(context|prompt)[ _-](length|window|size|limit)/i, "Anthropic, vLLM, DeepSeek, Together, xAI"],
  [/exceed_context_size/i, "llama.cpp"],
  [/context (the )?overflow/i, "LM Studio"],
  [/token count[^.]{0,80} exceed/i, "Gemini"],
  [/too large for model/i, "Mistral"],
  [/input (is )?too long/i, "Bedrock"],
  [/max_prompt_tokens_exceeded/i, "GitHub Copilot"],
  [/max_new_tokens`? must be/i, "text-generation-inference"],
  [/too many (input )?tokens/i, "Cohere"]
]

/** Whether a refusal says that the request is too long for the model. */
export const isTooLong = (status: number, body: string): boolean =>
  statuses.has(status) && signs.some(([sign]) => sign.test(body.slice(0, maxBody)))

/**
 * The request with the newer half of its history, from a visitor's message on, as some protocols require. Null if there is no
 * history.
 */
export const halve = (request: AgentRequest): AgentRequest | null => {
  const { messages } = request
  if (messages.length < 2) return null
  const last = messages[messages.length - 1]!
  const history = messages.slice(Math.ceil((messages.length - 1) / 2), -1)
  const begin = history.findIndex(({ role }) => role === "user")
  const kept: ReadonlyArray<ModelMessage> = begin < 0 ? [] : history.slice(begin)
  return { ...request, messages: [...kept, last] }
}
