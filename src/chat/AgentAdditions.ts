/**
 * What an instance adds to each request to its agent: fields of the body, and headers. Pure; browsers can import it.
 *
 * Everything that the service sets itself is refused, so that a setting has one place and visitors never share a session.
 *
 * @module
 */
import { Option, Predicate, Result } from "effect"
import * as InstanceInput from "./InstanceInput.ts"

/** The additional fields of the body. */
export type Body = Readonly<Record<string, unknown>>

/** The additional headers, by their names in lower case. */
export type Headers = Readonly<Record<string, string>>

export const limits = {
  /** The maximum number of fields, and of headers. */
  fields: 50,
  headers: 20,
  /** The maximum length of the body as JSON, and of all headers together, in UTF-16 units. */
  body: 16_000,
  allHeaders: 8_000
}

/** The fields of the body that the service sets in some protocol, with the setting of the instance that decides their value. */
const reservedFields: ReadonlyMap<string, string | null> = new Map([
  ["model", "agent_model"],
  ["instructions", "instructions"],
  ["system", "instructions"],
  ["max_tokens", "max_tokens"],
  ["max_completion_tokens", "max_tokens"],
  ["max_output_tokens", "max_tokens"],
  ["messages", null],
  ["input", null],
  ["stream", null],
  ["stream_options", null],
  ["user", null],
  ["metadata", null],
  ["store", null],
  ["conversation", null],
  ["previous_response_id", null]
])

/** The headers that the service sets, besides those of `InstanceInput.parseKeyHeader`. */
const reservedHeaders: ReadonlyMap<string, string | null> = new Map([
  ["authorization", "agent_key_header"],
  ["proxy-authorization", null],
  ["x-api-key", "agent_key_header"],
  ["anthropic-version", null],
  ["traceparent", null],
  ["tracestate", null],
  ["x-openclaw-session-key", null]
])

const fieldName = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/

const withoutReserved = (what: string, name: string, setting: string | null | undefined): string =>
  `${what} without ${name}, which the service sets${setting === null || setting === undefined ? "" : ` (see ${setting})`}`

/** Reads the fields of the body. The failure says what is expected. */
export const readBody = (value: unknown): Result.Result<Body, string> => {
  if (!Predicate.isObject(value)) return Result.fail('a JSON object such as {"temperature": 0.2}')
  const names = Object.keys(value)
  for (const name of names) {
    if (reservedFields.has(name)) return Result.fail(withoutReserved("an object", name, reservedFields.get(name)))
    if (!fieldName.test(name)) return Result.fail("an object whose names have up to 64 letters, digits and underscores")
  }
  return names.length === 0 || names.length > limits.fields || JSON.stringify(value).length > limits.body
    ? Result.fail(`an object with 1 to ${limits.fields} fields and at most ${limits.body} characters`)
    : Result.succeed(value)
}

/** Reads the fields of the body from JSON. */
export const parseBody = (text: string): Result.Result<Body, string> =>
  Result.flatMap(
    Result.try({ try: (): unknown => JSON.parse(text), catch: () => 'a JSON object such as {"temperature": 0.2}' }),
    readBody
  )

/** A header as `Name: value`. The value is empty if there is no colon. */
export const splitHeader = (line: string): readonly [name: string, value: string] => {
  const colon = line.indexOf(":")
  return colon < 0 ? [line.trim(), ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
}

/** Reads headers from their names and values. The failure says what is expected, without a value. */
export const readHeaders = (
  entries: ReadonlyArray<readonly [name: string, value: unknown]>
): Result.Result<Headers, string> => {
  const headers = new Map<string, string>()
  let length = 0
  for (const [given, value] of entries) {
    const name = given.toLowerCase()
    if (reservedHeaders.has(name)) return Result.fail(withoutReserved("headers", name, reservedHeaders.get(name)))
    const parsed = typeof value === "string" ? InstanceInput.parseKey(value) : Option.none()
    if (Option.isNone(InstanceInput.parseKeyHeader(name)) || Option.isNone(parsed) || headers.has(name)) {
      return Result.fail(
        "headers such as X-Title: Shop, each once, with a printable ASCII value, and none that the service or the connection sets"
      )
    }
    length += name.length + parsed.value.length
    headers.set(name, parsed.value)
  }
  return headers.size === 0 || headers.size > limits.headers || length > limits.allHeaders
    ? Result.fail(`1 to ${limits.headers} headers with at most ${limits.allHeaders} characters together`)
    : Result.succeed(Object.fromEntries(headers))
}
