/**
 * Reads values of unknown JSON and collects every error with its location, in the form of the published contract: the types and
 * messages are those of Pydantic. Pure, apart from the reader's own list of errors.
 *
 * @module
 */
import { Predicate, Result } from "effect"
import { parseUuid } from "../../platform/text/Uuid.ts"

/** The keys that lead to a value. */
export type Location = ReadonlyArray<string | number>

export interface InputError {
  readonly loc: Location
  readonly msg: string
  readonly type: string
}

/** `'a', 'b' or 'c'`. */
export const oneOf = (values: ReadonlyArray<string>): string => {
  const quoted = values.map((value) => `'${value}'`)
  const last = quoted.pop() ?? ""
  return quoted.length === 0 ? last : `${quoted.join(", ")} or ${last}`
}

/** The result of reading a value for which an error is reported. */
export const invalid = Symbol("invalid")

export type Invalid = typeof invalid

/** The maximum number of errors. Further errors are left out. */
const maxErrors = 100

export class InputReader {
  readonly errors: Array<InputError> = []

  fail(loc: Location, type: string, msg: string): Invalid {
    if (this.errors.length < maxErrors) this.errors.push({ loc, msg, type })
    return invalid
  }

  /** Reports a value that has the right type and breaks a rule. */
  refuse(loc: Location, msg: string): Invalid {
    return this.fail(loc, "value_error", `Value error, ${msg}`)
  }

  /** Reads an object, and reports each of its keys that is not among `keys`. */
  object(input: unknown, loc: Location, keys: ReadonlyArray<string>): Readonly<Record<string, unknown>> | Invalid {
    if (!Predicate.isObject(input)) return this.fail(loc, "dict_type", "Input should be a valid dictionary")
    const unknown = Object.keys(input).filter((key) => !keys.includes(key))
    for (const key of unknown) {
      this.fail(
        [...loc, key.slice(0, 100).toWellFormed()],
        "extra_forbidden",
        `Extra inputs are not permitted; use ${oneOf(keys)}`
      )
    }
    return input
  }

  list(
    input: unknown,
    loc: Location,
    { max, min = 0 }: { readonly min?: number; readonly max: number }
  ): ReadonlyArray<unknown> | Invalid {
    if (!Array.isArray(input)) return this.fail(loc, "list_type", "Input should be a valid list")
    const items = (count: number) => `${count} ${count === 1 ? "item" : "items"}`
    if (input.length < min) {
      return this.fail(
        loc,
        "too_short",
        `List should have at least ${items(min)} after validation, not ${input.length}`
      )
    }
    if (input.length > max) {
      return this.fail(loc, "too_long", `List should have at most ${items(max)} after validation, not ${input.length}`)
    }
    return input
  }

  /** Reads every item of a list. Returns `invalid` if an item is invalid. */
  items<A>(
    inputs: ReadonlyArray<unknown>,
    loc: Location,
    read: (input: unknown, loc: Location) => A | Invalid
  ): ReadonlyArray<A> | Invalid {
    const values = inputs.map((input, index) => read(input, [...loc, index]))
    return values.every((value): value is Exclude<typeof value, Invalid> => value !== invalid) ? values : invalid
  }

  /** Reads a text that PostgreSQL can store, with at most `max` UTF-16 units. */
  text(input: unknown, loc: Location, max: number): string | Invalid {
    if (typeof input !== "string") return this.fail(loc, "string_type", "Input should be a valid string")
    if (!input.isWellFormed()) {
      return this.fail(
        loc,
        "string_unicode",
        "Input should be a valid string, unable to parse raw data as a unicode string"
      )
    }
    if (input.length > max) return this.fail(loc, "string_too_long", `String should have at most ${max} characters`)
    if (input.includes("\0")) return this.refuse(loc, "a value must not contain a NUL character")
    return input
  }

  literal<const A extends string>(input: unknown, loc: Location, values: ReadonlyArray<A>): A | Invalid {
    const found = values.find((value) => value === input)
    return found ?? this.fail(loc, "literal_error", `Input should be ${oneOf(values)}`)
  }

  boolean(input: unknown, loc: Location): boolean | Invalid {
    return typeof input === "boolean" ? input : this.fail(loc, "bool_type", "Input should be a valid boolean")
  }

  integer(
    input: unknown,
    loc: Location,
    { max, min }: { readonly min: number; readonly max: number }
  ): number | Invalid {
    if (typeof input !== "number" || !Number.isSafeInteger(input)) {
      return this.fail(loc, "int_type", "Input should be a valid integer")
    }
    if (input < min) {
      return this.fail(loc, "greater_than_equal", `Input should be greater than or equal to ${min}`)
    }
    if (input > max) return this.fail(loc, "less_than_equal", `Input should be less than or equal to ${max}`)
    return input
  }

  /** Reads a UUID, and returns its canonical form. */
  uuid(input: unknown, loc: Location): string | Invalid {
    if (typeof input !== "string") {
      return this.fail(loc, "uuid_type", "UUID input should be a string, bytes or UUID object")
    }
    return Result.match(parseUuid(input.toWellFormed()), {
      onFailure: (reason) => this.fail(loc, "uuid_parsing", `Input should be a valid UUID, ${reason}`),
      onSuccess: (id) => id
    })
  }
}
