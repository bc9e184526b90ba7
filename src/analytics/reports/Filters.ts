/**
 * The JSON and the text of filters, their application to the values of dimensions, what they mention, and their SQL as far as it is the
 * same in all databases. Pure.
 *
 * @module
 */

import { Option } from "effect"
import { isStorable } from "../../platform/text/Text.ts"
import { type Condition, type Filter, type FilterDimension, operators, type WireFilter } from "./Query.ts"
import * as Sources from "./Sources.ts"

/** The filter of its JSON. A host or a spelling of a source stands for the source's name, by which its visits are counted. */
export const fromWire = (filter: WireFilter): Filter => {
  switch (filter[0]) {
    case "and":
    case "or":
      return { operator: filter[0], filters: filter[1].map(fromWire) }
    case "not":
      return { operator: "not", filter: fromWire(filter[1]) }
    default: {
      const [operator, dimension, values] = filter
      const isName = dimension === "visit:source" && (operator === "is" || operator === "is_not")
      return { operator, dimension, values: isName ? values.map(Sources.nameOf) : values }
    }
  }
}

export const toWire = (filter: Filter): WireFilter => {
  switch (filter.operator) {
    case "and":
    case "or":
      return [filter.operator, filter.filters.map(toWire)]
    case "not":
      return ["not", toWire(filter.filter)]
    default:
      return [filter.operator, filter.dimension, filter.values]
  }
}

/** Whether a condition holds for the values of its dimension. `is_not` and `contains_not` are the negations. */
export const accepts = ({ operator, values }: Condition, given: ReadonlyArray<string>): boolean => {
  const isEqual = () => given.some((value) => values.includes(value))
  const isContained = () => given.some((value) => values.some((part) => value.includes(part)))
  switch (operator) {
    case "is":
      return isEqual()
    case "is_not":
      return !isEqual()
    case "contains":
      return isContained()
    case "contains_not":
      return !isContained()
  }
}

/** Whether a filter holds. `read` gives the values of a dimension. */
export const matches = (filter: Filter, read: (dimension: FilterDimension) => ReadonlyArray<string>): boolean => {
  switch (filter.operator) {
    case "and":
      return filter.filters.every((part) => matches(part, read))
    case "or":
      return filter.filters.some((part) => matches(part, read))
    case "not":
      return !matches(filter.filter, read)
    default:
      return accepts(filter, read(filter.dimension))
  }
}

/** Whether a condition in the filter has a dimension for which `isWanted` is true. */
export const mentions = (filter: Filter, isWanted: (dimension: FilterDimension) => boolean): boolean => {
  switch (filter.operator) {
    case "and":
    case "or":
      return filter.filters.some((part) => mentions(part, isWanted))
    case "not":
      return mentions(filter.filter, isWanted)
    default:
      return isWanted(filter.dimension)
  }
}

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

/** The `LIKE` pattern of a goal's path pattern, in which `*` matches any text. */
export const like = (pattern: string): string => pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%")

/**
 * SQL that says whether a condition holds. `write` returns the SQL of `is` if `isEqual`, else of `contains`. It gets only values
 * that can be stored, because no stored text equals or contains any other.
 */
export const conditionSql = (
  { operator, values }: Condition,
  write: (isEqual: boolean, values: ReadonlyArray<string>) => string
): string => {
  const holds = write(operator === "is" || operator === "is_not", values.filter(isStorable))
  return operator === "is_not" || operator === "contains_not" ? `NOT ${holds}` : holds
}

/** SQL that says whether a filter holds. `write` gives the SQL of a condition. */
export const matchesSql = (filter: Filter, write: (condition: Condition) => string): string => {
  switch (filter.operator) {
    case "and":
      return `(${filter.filters.map((part) => matchesSql(part, write)).join(" AND ")})`
    case "or":
      return `(${filter.filters.map((part) => matchesSql(part, write)).join(" OR ")})`
    case "not":
      return `NOT ${matchesSql(filter.filter, write)}`
    default:
      return write(filter)
  }
}
