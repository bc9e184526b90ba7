/**
 * Requests to the owner API of a test's server.
 *
 * @module
 */
import { Effect } from "effect"

export interface OwnerAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Sends a request with a key, if there is one. A string body is sent as it is, anything else as JSON. */
export const send = (
  url: string,
  path: string,
  options: { readonly key?: string; readonly body?: unknown; readonly init?: RequestInit } = {}
) =>
  Effect.promise(async (signal): Promise<OwnerAnswer> => {
    const { body, init, key } = options
    const response = await fetch(url + path, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal,
      ...init,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...init?.headers
      }
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })
