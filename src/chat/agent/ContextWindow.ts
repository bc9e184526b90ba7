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

/**
 * The codes and sentences of providers, from their documentation and their servers: OpenAI, Azure, Groq
 * (`context_length_exceeded`), Anthropic (`prompt is too long`, `exceed context limit`), vLLM, DeepSeek and Together
 * (`maximum context length`), xAI (`maximum prompt length`), Mistral (`too large for model with … maximum context`),
 * Gemini (`input token count … exceeds`), llama.cpp (`exceed_context_size_error`), LM Studio (`context overflows`),
 * Bedrock (`input is too long`), GitHub Copilot (`model_max_prompt_tokens_exceeded`), text-generation-inference
 * (`tokens + max_new_tokens must be`), Cohere (`too many tokens`), Groq's 413 (`reduce the length of the messages`).
 */
const signs =
  /context_length_exceeded|exceed_context_size|max_prompt_tokens_exceeded|string_above_max_length|(context|prompt)[ _-](length|window|size|limit)|prompt (is )?too (long|large)|context (the )?overflow|input (is )?too long|token count[^.]{0,80} exceed|too many (input )?tokens|max_new_tokens`? must be|reduce the length of|too large for model/i

/** Whether a refusal says that the request is too long for the model. */
export const isTooLong = (status: number, body: string): boolean =>
  statuses.has(status) && signs.test(body.slice(0, maxBody))

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
