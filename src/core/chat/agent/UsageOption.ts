/**
 * Recognizes an agent that refuses the option with which OpenAI's protocol requests the usage. Pure.
 *
 * @module
 */
import type { AgentRequest } from "./Agent.ts"

const statuses: ReadonlySet<number> = new Set([400, 422])

/** Whether a refusal is due to the option. Servers that refuse an option name it. */
export const isRefused = (status: number, body: string): boolean =>
  statuses.has(status) && /stream_options|include_usage/.test(body)

/** The request without the option. Null if the request does not have it. */
export const without = (request: AgentRequest): AgentRequest | null =>
  request.wantsUsage === true ? { ...request, wantsUsage: false } : null
