/**
 * Lists such as `key=value,other=a%20b`: how OpenTelemetry's environment variables hold headers and resource attributes.
 * Keys and values are percent-encoded (https://www.w3.org/TR/baggage/). Pure.
 *
 * @module
 */
import { Option } from "effect"

const decode = (text: string): Option.Option<string> => {
  try {
    return Option.some(decodeURIComponent(text.trim()))
  } catch {
    return Option.none()
  }
}

const pair = (text: string): Option.Option<readonly [string, string]> => {
  const at = text.indexOf("=")
  return at < 0
    ? Option.none()
    : Option.all([Option.filter(decode(text.slice(0, at)), (key) => key !== ""), decode(text.slice(at + 1))])
}

/** The pairs of a list, of which the last counts for a key; nothing if a part is no pair or is not well encoded. */
export const parse = (text: string): Option.Option<Readonly<Record<string, string>>> =>
  Option.map(
    Option.all(
      text
        .split(",")
        .filter((part) => part.trim() !== "")
        .map(pair)
    ),
    Object.fromEntries
  )
