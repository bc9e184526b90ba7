/**
 * Interprets the status, the headers and the first bytes of an agent's response. Pure.
 *
 * @module
 */
import * as RetryAfter from "../core/chat/agent/RetryAfter.ts"
import { AgentBusy, AgentRefused } from "../services/chat/AgentStream.ts"

export type Headers = Readonly<Record<string, string | Array<string> | undefined>>

const header = (headers: Headers, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" ? value : value?.[0]
}

/** How a body is read; `sniff` if its type leaves open whether it is a stream, and its first byte decides. */
export const bodyKind = (headers: Headers): "stream" | "sniff" | "unreadable" => {
  const type = (header(headers, "content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase()
  if (type === "text/event-stream") return "stream"
  return ["", "application/json", "text/plain", "application/octet-stream"].includes(type) ? "sniff" : "unreadable"
}

/** What a body is, by its first byte: JSON begins with a brace, and a page with `<`. Undefined for whitespace only. */
export const sniff = (chunk: Buffer): "json" | "page" | "stream" | undefined => {
  const first = chunk.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
  if (first === undefined) return undefined
  return first === 0x7b ? "json" : first === 0x3c ? "page" : "stream"
}

/** The `reason` of an error for a status other than 2xx. */
export const reasonOf = (status: number): string => `the agent answered with status ${status}`

/** The error of a status that means “try again later”: 429, 503, and Anthropic's 529. Undefined for another status. */
export const busyOf = (status: number, headers: Headers): AgentBusy | undefined =>
  status === 429 || status === 503 || status === 529
    ? new AgentBusy({
        reason: reasonOf(status),
        status,
        retryAfter: RetryAfter.seconds(header(headers, "retry-after"), header(headers, "date"))
      })
    : undefined

/** The error of an agent that gave no answer. `status` is 0 without a response; `code` is that of a system error. */
export const refused = (reason: string, status: number, code: string | undefined): AgentRefused =>
  new AgentRefused({ reason, ...(status === 0 ? {} : { status }), ...(code === undefined ? {} : { code }) })
