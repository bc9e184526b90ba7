/**
 * Filters as a person writes them on a command line: `event:page is /pricing|/tours`. Pure.
 *
 * @module
 */
import { Option } from "effect"
import { operators } from "./Query.ts"

const pattern = new RegExp(`^(\\S.*?)\\s+(${operators.toSorted().toReversed().join("|")})\\s+(\\S.*)$`, "s")

/**
 * Parses a filter for `QueryBody`, which validates it. The values are separated by `|`. A text that begins with a bracket is
 * JSON, such as `["not", ["is", "event:page", ["/"]]]`. None for a text that has neither form.
 */
export const parse = (text: string): Option.Option<unknown> => {
  const trimmed = text.trim()
  if (trimmed.startsWith("[")) return Option.liftThrowable((json: string): unknown => JSON.parse(json))(trimmed)
  const match = pattern.exec(trimmed)
  return match === null ? Option.none() : Option.some([match[2], match[1], (match[3] ?? "").split("|")])
}
