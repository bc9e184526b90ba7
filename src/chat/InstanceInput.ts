/**
 * Limits and formats of the settings of an instance. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"

export const limits = {
  url: 2000,
  instructions: 32_000,
  historyMessages: 500,
  historyCharacters: 1_000_000,
  maxTokens: 1_000_000,
  dailyTokens: Number.MAX_SAFE_INTEGER,
  key: 4_000,
  question: 2_000
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

const parseText =
  (maxLength: number) =>
  (text: string): Option.Option<string> =>
    Option.liftPredicate(
      text.trim(),
      (trimmed) => trimmed !== "" && trimmed.length <= maxLength && !trimmed.includes("\0") && trimmed.isWellFormed()
    )

/** Parses a system prompt, and removes white space around it. */
export const parseInstructions = parseText(limits.instructions)

/** Parses a test question for an agent, and removes white space around it. */
export const parseQuestion = parseText(limits.question)
