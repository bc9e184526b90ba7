/**
 * Decodes dimensions and filters from JSON: `[operator, dimension, values]`, `["and" | "or", filters]` or
 * `["not", filter]`. Pure.
 *
 * @module
 */
import { type InputReader, type Invalid, invalid, type Location, oneOf } from "./InputReader.ts"
import {
  type EventDimension,
  eventDimensions,
  type Filter,
  type FilterDimension,
  operators,
  propertyPrefix,
  visitDimensions
} from "./Query.ts"
import * as Sources from "./Sources.ts"

export const limits = {
  /** How deep `and`, `or` and `not` may be nested. */
  depth: 8,
  /** The number of conditions of a query. */
  conditions: 100,
  /** The number of values of a condition. */
  values: 100,
  /** The length of a value, in UTF-16 units. Paths are the longest values. */
  value: 2_048,
  /** The length of the name of a property, in UTF-16 units. */
  property: 300
} as const

const isProperty = (name: string): name is EventDimension & `${typeof propertyPrefix}${string}` =>
  name.startsWith(propertyPrefix)

/** Reads a dimension that filters can use, or one of `others`. */
export const readDimension = <const A extends string>(
  reader: InputReader,
  input: unknown,
  loc: Location,
  others: ReadonlyArray<A>
): FilterDimension | A | Invalid => {
  if (typeof input === "string" && isProperty(input) && input.length > propertyPrefix.length) {
    const text = reader.text(input, loc, propertyPrefix.length + limits.property)
    return text === invalid ? invalid : input
  }
  const known = [...eventDimensions, ...visitDimensions, ...others]
  const found = known.find((name) => name === input)
  return found ?? reader.fail(loc, "literal_error", `Input should be ${oneOf([...known, `${propertyPrefix}NAME`])}`)
}

const readCondition = (
  reader: InputReader,
  input: ReadonlyArray<unknown>,
  operator: (typeof operators)[number],
  loc: Location
): Filter | Invalid => {
  if (input.length !== 3) {
    return reader.refuse(loc, `a condition should be ["${operator}", dimension, [values]], without modifiers`)
  }
  const dimension = readDimension(reader, input[1], [...loc, 1], [])
  const list = reader.list(input[2], [...loc, 2], { min: 1, max: limits.values })
  if (list === invalid) return invalid
  const values = reader.items(list, [...loc, 2], (value, at) => reader.text(value, at, limits.value))
  if (dimension === invalid || values === invalid) return invalid
  // A host or a spelling stands for the source's name, by which its visits are counted.
  const isName = dimension === "visit:source" && (operator === "is" || operator === "is_not")
  return { operator, dimension, values: isName ? values.map(Sources.nameOf) : values }
}

const names = [...operators, "and", "or", "not"] as const

/** Decodes a list of filters that all must match. */
export const read = (reader: InputReader, input: unknown, loc: Location): ReadonlyArray<Filter> | Invalid => {
  let conditions = 0
  const readFilter = (value: unknown, at: Location, depth: number): Filter | Invalid => {
    const parts = reader.list(value, at, { min: 1, max: 4 })
    if (parts === invalid) return invalid
    const operator = reader.literal(parts[0], [...at, 0], names)
    if (operator === invalid) return invalid
    if (operator !== "and" && operator !== "or" && operator !== "not") {
      conditions++
      if (conditions === limits.conditions + 1) {
        return reader.refuse(loc, `a query has at most ${limits.conditions} conditions`)
      }
      return conditions > limits.conditions ? invalid : readCondition(reader, parts, operator, at)
    }
    if (depth === limits.depth) return reader.refuse(at, `filters are nested at most ${limits.depth} deep`)
    if (parts.length !== 2) {
      return reader.refuse(
        at,
        operator === "not" ? `"not" takes one filter` : `"${operator}" takes one list of filters`
      )
    }
    if (operator === "not") {
      const filter = readFilter(parts[1], [...at, 1], depth + 1)
      return filter === invalid ? invalid : { operator, filter }
    }
    const filters = readAll(parts[1], [...at, 1], depth + 1, 1)
    return filters === invalid ? invalid : { operator, filters }
  }
  const readAll = (value: unknown, at: Location, depth: number, min: number): ReadonlyArray<Filter> | Invalid => {
    const list = reader.list(value, at, { min, max: limits.conditions })
    if (list === invalid || conditions > limits.conditions) return invalid
    return reader.items(list, at, (item, index) => readFilter(item, index, depth))
  }
  return readAll(input, loc, 0, 0)
}
