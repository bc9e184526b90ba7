/**
 * Parses lists such as `key=value,other=a%20b`, the format of headers and resource attributes in OpenTelemetry's
 * environment variables. Keys and values are percent-encoded (https://www.w3.org/TR/baggage/). Pure.
 *
 * @module
 */
import { Option } from "effect"
import * as PercentEncoding from "../text/PercentEncoding.ts"

const decode = (text: string): Option.Option<string> => Option.fromUndefinedOr(PercentEncoding.decode(text.trim()))

const pair = (text: string): Option.Option<readonly [string, string]> => {
  const at = text.indexOf("=")
  return at < 0
    ? Option.none()
    : Option.all([Option.filter(decode(text.slice(0, at)), (key) => key !== ""), decode(text.slice(at + 1))])
}

/**
 * The last value of a key wins. Empty parts are skipped. Any other part that is not a correctly encoded pair makes the whole list
 * invalid.
 */
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
