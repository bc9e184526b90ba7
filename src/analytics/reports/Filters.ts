/**
 * The JSON and the text of filters, their application to the values of dimensions, and what they mention. Pure.
 *
 * @module
 */

import { Option } from "effect"
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
