/**
 * A pre-serialized success response, which the fast path writes without building an `HttpServerResponse`.
 *
 * @module
 */
import { HttpServerResponse } from "effect/http"

export interface SerializedResponse {
  readonly _tag: "SerializedResponse"
  readonly status: number
  /** Alternates header names and values. */
  readonly head: ReadonlyArray<string>
  /** JSON in ASCII, if there is a body. */
  readonly body: string | undefined
}

/** Adds the body's own headers to `headers`. */
export const make = (status: number, headers: Readonly<Record<string, string>>, body?: string): SerializedResponse => {
  const head: Array<string> = []
  for (const name in headers) if (Object.hasOwn(headers, name)) head.push(name, headers[name]!)
  if (body !== undefined) head.push("content-type", "application/json", "content-length", String(body.length))
  return { _tag: "SerializedResponse", status, head, body }
}

export const is = (
  response: HttpServerResponse.HttpServerResponse | SerializedResponse
): response is SerializedResponse => "_tag" in response && response._tag === "SerializedResponse"

export const toHttpServerResponse = ({
  body,
  head,
  status
}: SerializedResponse): HttpServerResponse.HttpServerResponse => {
  const headers = Array.from(
    { length: head.length / 2 },
    (_, index) => [head[2 * index]!, head[2 * index + 1]!] as const
  )
  return body === undefined
    ? HttpServerResponse.empty({ status, headers })
    : HttpServerResponse.text(body, { status, headers })
}
