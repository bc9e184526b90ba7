/**
 * Limits and formats of the settings of an instance, and of what it adds to each request to its agent: fields of the body, and
 * headers. Of these, everything that the service sets itself is refused, so that a setting has one place and visitors never share a
 * session. Pure; browsers can import it.
 *
 * @module
 */
import { Option, Predicate, Result } from "effect"
import * as Text from "../platform/text/Text.ts"

export const limits = {
  url: 2000,
  instructions: 32_000,
  historyMessages: 500,
  historyCharacters: 1_000_000,
  maxTokens: 1_000_000,
  dailyTokens: Number.MAX_SAFE_INTEGER,
  key: 4_000,
  question: 2_000,
  /** The maximum number of additional fields, and of additional headers. */
  fields: 50,
  headers: 20,
  /** The maximum length of the additional fields as JSON, and of all additional headers together, in UTF-16 units. */
  body: 16_000,
  allHeaders: 8_000
}

/** An http or https URL, in any script, without white space, backslashes and control characters. */
const urlShape = /^https?:\/\/[^\s\\\p{Cc}\p{Cs}]+$/iu

/** Parses the URL of an agent: http or https, without credentials. */
export const parseAgentUrl = (text: string): Option.Option<string> =>
  Option.fromNullishOr(text.length <= limits.url && urlShape.test(text) ? URL.parse(text) : null).pipe(
    Option.filter((url) => url.username === "" && url.password === "" && !/^[^/?#]*\/\/[^/?#]*@/.test(text)),
    Option.map(() => text)
  )

/** Headers that the service sets, that describe the connection, or whose values servers usually log. */
const reservedHeaders =
  /^(accept|connection|content-.*|cookie|expect|forwarded|host|keep-alive|origin|referer|te|trailer|transfer-encoding|upgrade|user-agent|via|x-forwarded-.*)$/i

/** Parses the name of a header that can carry a key. */
export const parseKeyHeader = Option.liftPredicate(
  (text: string) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/.test(text) && !reservedHeaders.test(text)
)

/** Parses the name of an environment variable. */
export const parseVariable = Option.liftPredicate((text: string) => /^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(text))

/** Parses a key, which is sent in a header: printable ASCII. Spaces around it are removed. */
export const parseKey = (text: string): Option.Option<string> =>
  Option.liftPredicate(text.trim(), (key) => key.length <= limits.key && /^[!-~]([ -~]*[!-~])?$/.test(key))

/** Parses a system prompt, and removes white space around it. */
export const parseInstructions = Text.parser(limits.instructions)

/** Parses a test question for an agent, and removes white space around it. */
export const parseQuestion = Text.parser(limits.question)

/** What an instance adds to the body of each request to its agent. */
export type Body = Readonly<Record<string, unknown>>

/** What it adds to the headers, by their names in lower case. */
export type Headers = Readonly<Record<string, string>>

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

/** The headers that the service sets, besides those of `parseKeyHeader`. */
const serviceHeaders: ReadonlyMap<string, string | null> = new Map([
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
    if (serviceHeaders.has(name)) return Result.fail(withoutReserved("headers", name, serviceHeaders.get(name)))
    const parsed = typeof value === "string" ? parseKey(value) : Option.none()
    if (Option.isNone(parseKeyHeader(name)) || Option.isNone(parsed) || headers.has(name)) {
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
