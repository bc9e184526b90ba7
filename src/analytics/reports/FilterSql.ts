/**
 * SQL for filters, as far as it is the same in all databases. Pure text.
 *
 * @module
 */
import { isStorable } from "../../platform/text/Text.ts"
import type { Condition, Filter } from "./Query.ts"

/** The `LIKE` pattern of a goal's path pattern, in which `*` matches any text. */
export const like = (pattern: string): string => pattern.replace(/[\\%_]/g, "\\$&").replaceAll("*", "%")

/**
 * SQL that says whether a condition holds. `write` returns the SQL of `is` if `isEqual`, else of `contains`. It gets only values
 * that can be stored, because no stored text equals or contains any other.
 */
export const condition = (
  { operator, values }: Condition,
  write: (isEqual: boolean, values: ReadonlyArray<string>) => string
): string => {
  const holds = write(operator === "is" || operator === "is_not", values.filter(isStorable))
  return operator === "is_not" || operator === "contains_not" ? `NOT ${holds}` : holds
}

/** SQL that says whether a filter holds. `write` gives the SQL of a condition. */
export const matches = (filter: Filter, write: (condition: Condition) => string): string => {
  switch (filter.operator) {
    case "and":
      return `(${filter.filters.map((part) => matches(part, write)).join(" AND ")})`
    case "or":
      return `(${filter.filters.map((part) => matches(part, write)).join(" OR ")})`
    case "not":
      return `NOT ${matches(filter.filter, write)}`
    default:
      return write(filter)
  }
}
