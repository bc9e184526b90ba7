/**
 * Parses integers as Pydantic's lax mode does, which the published contract requires. Pure.
 *
 * @module
 */
import { Result } from "effect"

/** The types of Pydantic's errors for integers. */
export type IntegerError = "int_type" | "int_parsing" | "int_parsing_size" | "int_from_float" | "finite_number"

/** The maximum number of digits that Python converts. */
const maxDigits = 4300

const leadingZeros = /^([+-]?)0+(?=[0-9])/

/** Allows surrounding white space, a sign, leading zeros, single underscores between digits and a fraction of zeros. */
const fromText = (input: string): Result.Result<number, IntegerError> => {
  const text = input.trim().replace(/\.0*$/, "")
  if (!/^[+-]?[0-9]+(?:_[0-9]+)*$/.test(text)) return Result.fail("int_parsing")
  const digits = text.replaceAll("_", "").replace(leadingZeros, "$1")
  return digits.length > maxDigits ? Result.fail("int_parsing_size") : Result.succeed(Number(digits))
}

const inInt64 = (value: number): boolean => value > -(2 ** 63) && value < 2 ** 63

/**
 * Parses a JSON value. `true` is 1 and `false` is 0.
 *
 * JSON has one type of number and Python has two. A float such as `1e20` is not accepted beyond 64 bits. An integer such as
 * `100000000000000000000` is accepted with up to `maxDigits` digits; `Json.parse` returns a large one as a `bigint`.
 */
export const parseInteger = (input: unknown): Result.Result<number, IntegerError> => {
  switch (typeof input) {
    case "number":
      if (!Number.isFinite(input)) return Result.fail("finite_number")
      if (!Number.isInteger(input)) return Result.fail("int_from_float")
      return inInt64(input) ? Result.succeed(input) : Result.fail("int_parsing_size")
    case "bigint":
      return String(input).length > maxDigits ? Result.fail("int_parsing_size") : Result.succeed(Number(input))
    case "string":
      return fromText(input)
    case "boolean":
      return Result.succeed(input ? 1 : 0)
    default:
      return Result.fail("int_type")
  }
}
