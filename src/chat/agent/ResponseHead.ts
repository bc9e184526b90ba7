/**
 * Interprets the status, the headers and the first bytes of an agent's response. Pure.
 *
 * @module
 */

import { AgentBusy, AgentRefused } from "../AgentStream.ts"
import * as ProviderError from "./ProviderError.ts"
import * as RetryAfter from "./RetryAfter.ts"
import * as UnknownName from "./UnknownName.ts"

export type Headers = Readonly<Record<string, string | undefined>>

/** The type of a body in lower case, without parameters; empty if there is none. */
export const contentType = (headers: Headers): string =>
  (headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase()

/** The type of a body, for the log. */
export const describeType = (type: string): string =>
  type === "" ? "without a content type" : `of content type ${UnknownName.clean(type)}`

/** How a body of a type is read; `sniff` if the type leaves open whether it is a stream, and its first byte decides. */
export const bodyKind = (type: string): "stream" | "sniff" | "unreadable" => {
  if (type === "text/event-stream") return "stream"
  return ["", "application/json", "text/plain", "application/octet-stream"].includes(type) ? "sniff" : "unreadable"
}

export type Kind = "json" | "page" | "stream"

/** What a body is, by its first byte: JSON begins with a brace, and a page with `<`. Undefined for whitespace only. */
export const sniff = (beginning: ReadonlyArray<Uint8Array>): Kind | undefined => {
  for (const chunk of beginning) {
    const first = chunk.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
    if (first !== undefined) return first === 0x7b ? "json" : first === 0x3c ? "page" : "stream"
  }
  return undefined
}

/**
 * Makes the error of a status other than 2xx from the provider's error code, if its body has one. 429, 503, and Anthropic's 529
 * mean “try again later”.
 */
export const refusalOf = (
  status: number,
  headers: Headers
): ((providerCode: string | undefined) => AgentRefused | AgentBusy) => {
  const retryAfter =
    status === 429 || status === 503 || status === 529
      ? RetryAfter.seconds(headers["retry-after"], headers["date"])
      : undefined
  return (providerCode) => {
    const fields = {
      reason: `the agent answered with status ${status}${ProviderError.suffix(providerCode)}`,
      status,
      ...(providerCode === undefined ? {} : { providerCode })
    }
    return retryAfter === undefined ? new AgentRefused(fields) : new AgentBusy({ ...fields, retryAfter })
  }
}

/** The error of an agent that gave no answer. `status` is 0 without a response; `code` is that of a system error. */
export const refused = (reason: string, status: number, code: string | undefined): AgentRefused =>
  new AgentRefused({ reason, ...(status === 0 ? {} : { status }), ...(code === undefined ? {} : { code }) })
