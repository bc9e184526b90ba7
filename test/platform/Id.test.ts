import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { isCanonicalUuid, parseUuid } from "../../src/platform/Id.ts"

const digits = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 15 }))).check(
  Schema.isBetweenLength(32, 32)
)

const spell = (numbers: ReadonlyArray<number>) => {
  const hex = numbers.map((number) => number.toString(16)).join("")
  const canonical = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
  return { hex, canonical }
}

describe("platform/Id", () => {
  it.prop("parses every accepted form to the canonical one", [digits], ([numbers]) => {
    const { canonical, hex } = spell(numbers)
    for (const spelling of [canonical, hex, `{${canonical}}`, `urn:uuid:${canonical}`]) {
      assert.deepStrictEqual(parseUuid(spelling), Result.succeed(canonical))
      assert.deepStrictEqual(
        parseUuid(spelling.toUpperCase().replace("URN:UUID:", "urn:uuid:")),
        Result.succeed(canonical)
      )
    }
    assert.isTrue(isCanonicalUuid(canonical))
    assert.isFalse(isCanonicalUuid(hex))
  })

  it.prop("rejects a text with a character too many or too few", [digits, Schema.Int], ([numbers, seed]) => {
    const { canonical, hex } = spell(numbers)
    const at = Math.abs(seed) % canonical.length
    const without = canonical.slice(0, at) + canonical.slice(at + 1)
    for (const spelling of [without, `${canonical}0`, ` ${canonical}`, `{${hex}}`, `urn:uuid:${hex}`, hex.slice(1)]) {
      assert.isTrue(Result.isFailure(parseUuid(spelling)), spelling)
    }
  })

  it.prop("every result is canonical", [Schema.String], ([text]) => {
    const parsed = parseUuid(text)
    if (Result.isSuccess(parsed)) assert.isTrue(isCanonicalUuid(parsed.success))
  })
})
