/**
 * Converts the issues of a schema to the errors of a 422. Pure.
 *
 * @module
 */
import { Option, type SchemaIssue } from "effect"
import type { ValidationError } from "./Errors.ts"
import { type FieldError, fieldErrorOf } from "./Wire.ts"

/** The path to a value in a request: `body`, `path`, `query` or `header`, then the keys. */
export type Location = ReadonlyArray<string | number>

export const at = (loc: Location, { msg, type }: FieldError): ValidationError => ({ loc, msg, type })

/** The errors of a field's members, or the field's own error if it has none for its members. */
export const allAt = (loc: Location, error: FieldError): ReadonlyArray<ValidationError> =>
  error.members === undefined ? [at(loc, error)] : error.members.map((member) => at([...loc, ...member.loc], member))

export const missing: FieldError = { type: "missing", msg: "Field required" }

const invalid: FieldError = { type: "value_error", msg: "Value error, not a valid value" }

const key = (segment: PropertyKey): string | number => (typeof segment === "number" ? segment : String(segment))

/** All errors of an issue. `loc` is the location of the value that the schema decoded. */
export const fromIssue = (issue: SchemaIssue.Issue, loc: Location): ReadonlyArray<ValidationError> => {
  switch (issue._tag) {
    case "Pointer":
      return fromIssue(issue.issue, [...loc, ...issue.path.map(key)])
    case "Composite":
      return issue.issues.flatMap((child) => fromIssue(child, loc))
    case "AnyOf": {
      // There are no issues if no member of the union has the type of the value.
      const errors = issue.issues.flatMap((child) => fromIssue(child, loc))
      return errors.length === 0 ? [at(loc, invalid)] : errors
    }
    case "Encoding":
    case "Filter":
      return fromIssue(issue.issue, loc)
    case "MissingKey":
      return [at(loc, missing)]
    default:
      return allAt(
        loc,
        Option.getOrElse(fieldErrorOf(issue), () => invalid)
      )
  }
}
