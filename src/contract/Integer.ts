/**
 * Reads the spellings of an integer that the published contract accepts: what Pydantic's lax mode reads. Pure.
 *
 * @module
 */
import { Result } from "effect"

/** Why a value is no integer: the types of Pydantic's errors. */
export type IntegerFault = "int_type" | "int_parsing" | "int_parsing_size" | "int_from_float" | "finite_number"

/** What an integer's text may be longer than: Python refuses to convert more digits than these. */
const maxDigits = 4300

const leadingZeros = /^([+-]?)0+(?=[0-9])/

/**
 * Reads an integer from a text: white space around it, a leading `+`, leading zeros, single underscores between digits
 * and a fraction of zeros are allowed.
 */
const fromText = (input: string): Result.Result<number, IntegerFault> => {
  const text = input.trim().replace(/\.0*$/, "")
  if (!/^[+-]?[0-9]+(?:_[0-9]+)*$/.test(text)) return Result.fail("int_parsing")
  const digits = text.replaceAll("_", "").replace(leadingZeros, "$1")
  return digits.length > maxDigits ? Result.fail("int_parsing_size") : Result.succeed(Number(digits))
}

/** The floats that fit into 64 bits; one beyond them is not read as an integer. */
const inInt64 = (value: number): boolean => value > -(2 ** 63) && value < 2 ** 63

/**
 * Reads an integer from a JSON value. `true` is 1 and `false` is 0.
 *
 * JSON has one kind of number and Python has two: `1e20` is a float, too large for an integer, and
 * `100000000000000000000` is an integer of any size. A reader of JSON that can tell them apart gives the latter as a
 * `bigint`.
 */
export const parseInteger = (input: unknown): Result.Result<number, IntegerFault> => {
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
