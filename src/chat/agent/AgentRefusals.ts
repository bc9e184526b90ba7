/**
 * What the refusal of an agent means: when to try again, its reason for the log, and the request that is sent in its place. Pure.
 *
 * @module
 */
import type { HttpClientError } from "effect/http"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import { AgentBusy, AgentRefused } from "../AgentStream.ts"
import type { AgentRequest, ModelMessage } from "./Agent.ts"
import * as Protocol from "./Protocol.ts"

/** Bounds of `Retry-After` (RFC 9110, section 10.2.3), in seconds. `default` is the wait without a header. */
export const retryAfterBounds = { min: 1, max: 120, default: 10 } as const

/**
 * The wait in seconds. The header is a number of seconds, or a date, which is compared with the response's own `Date` and so does
 * not depend on this machine's clock. Without a valid header, the wait is the default.
 */
export const retryAfterSeconds = (retryAfter: string | undefined, date: string | undefined): number => {
  const text = retryAfter?.trim() ?? ""
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (Date.parse(text) - Date.parse(date ?? "")) / 1000
  return Number.isNaN(wait)
    ? retryAfterBounds.default
    : Math.ceil(Math.min(retryAfterBounds.max, Math.max(retryAfterBounds.min, wait)))
}

export type Headers = Readonly<Record<string, string | undefined>>

/**
 * The error of a status other than 2xx, with the provider's error code if its body has one. 429, 503, and Anthropic's 529 mean “try
 * again later”.
 */
export const refusalOf = (
  status: number,
  headers: Headers,
  providerCode: string | undefined
): AgentRefused | AgentBusy => {
  const fields = {
    reason: `the agent answered with status ${status}${Protocol.errorSuffix(providerCode)}`,
    status,
    ...(providerCode === undefined ? {} : { providerCode })
  }
  return status === 429 || status === 503 || status === 529
    ? new AgentBusy({ ...fields, retryAfter: retryAfterSeconds(headers["retry-after"], headers["date"]) })
    : new AgentRefused(fields)
}

/** The error of an agent that gave no answer. `status` is 0 without a response; `code` is that of a system error. */
export const refusedWith = (reason: string, status: number, code: string | undefined): AgentRefused =>
  new AgentRefused({ reason, ...(status === 0 ? {} : { status }), ...(code === undefined ? {} : { code }) })

/** The system's code of the error that broke a connection; undefined if it has none. */
export const codeOf = ({ reason }: HttpClientError.HttpClientError): string | undefined =>
  "cause" in reason ? SystemErrorCode.of(reason.cause) : undefined

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

/** Whether a refusal is due to the option that requests the usage. Servers that refuse an option name it. */
const refusesUsageOption = (status: number, body: string): boolean =>
  (status === 400 || status === 422) && /stream_options|include_usage/.test(body)

/** The request to send after the agent refused `request`; null if the refusal is final. */
export const alternative = (request: AgentRequest, status: number, body: string): AgentRequest | null => {
  if (refusesUsageOption(status, body)) return request.wantsUsage === true ? { ...request, wantsUsage: false } : null
  return isTooLong(status, body) ? halve(request) : null
}
