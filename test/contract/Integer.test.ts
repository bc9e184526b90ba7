import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { parseInteger } from "../../src/contract/Integer.ts"

describe("contract/Integer", () => {
  it.prop("parses an integer as a number and in every accepted form", [Schema.Int], ([integer]) => {
    const sign = integer < 0 ? "-" : ""
    const magnitude = String(Math.abs(integer))
    const spellings = [
      String(integer),
      ` ${integer}\n`,
      `${integer}.0`,
      `${integer}.`,
      `${integer}.000`,
      `${sign}00${magnitude}`,
      ...(integer < 0 ? [] : [`+${integer}`]),
      ...(magnitude.length > 1 ? [`${sign}${magnitude[0]}_${magnitude.slice(1)}`] : [])
    ]
    for (const spelling of [integer, BigInt(integer), ...spellings]) {
      const parsed = parseInteger(spelling)
      assert.isTrue(Result.isSuccess(parsed) && parsed.success === integer, String(spelling))
    }
  })

  it.prop("rejects fractions", [Schema.Int.check(Schema.isBetween({ minimum: -1e9, maximum: 1e9 }))], ([integer]) => {
    assert.deepStrictEqual(parseInteger(integer + 0.5), Result.fail("int_from_float"))
    assert.deepStrictEqual(parseInteger(`${integer}.5`), Result.fail("int_parsing"))
  })

  it.prop("an accepted text has the form of one integer", [Schema.String], ([text]) => {
    if (Result.isSuccess(parseInteger(text))) assert.match(text.trim(), /^[+-]?[0-9]+(?:_[0-9]+)*(?:\.0*)?$/)
  })

  it("rejects floats beyond 64 bits, but accepts integers beyond 64 bits", () => {
    assert.deepStrictEqual(parseInteger(1e20), Result.fail("int_parsing_size"))
    assert.deepStrictEqual(parseInteger(2 ** 63), Result.fail("int_parsing_size"))
    assert.deepStrictEqual(parseInteger(9_223_372_036_854_775_808n), Result.succeed(2 ** 63))
    assert.deepStrictEqual(parseInteger(Number.POSITIVE_INFINITY), Result.fail("finite_number"))
  })

  it("rejects more than 4300 digits, as Python does", () => {
    assert.isTrue(Result.isSuccess(parseInteger("1".repeat(4300))))
    assert.deepStrictEqual(parseInteger("1".repeat(4301)), Result.fail("int_parsing_size"))
    assert.deepStrictEqual(parseInteger(BigInt("1".repeat(4301))), Result.fail("int_parsing_size"))
  })

  it("reads booleans as 0 and 1, and rejects other types", () => {
    assert.deepStrictEqual(parseInteger(true), Result.succeed(1))
    assert.deepStrictEqual(parseInteger(false), Result.succeed(0))
    for (const other of [null, undefined, [], {}, [1]])
      assert.deepStrictEqual(parseInteger(other), Result.fail("int_type"))
  })

  it("rejects texts that are not decimal integers", () => {
    for (const text of ["", " ", "+", "-", "_1", "1_", "1__0", "0x10", "1e3", "١"]) {
      assert.deepStrictEqual(parseInteger(text), Result.fail("int_parsing"), text)
    }
  })
})
