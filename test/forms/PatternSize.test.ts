import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { RE2JS } from "re2js"
import * as Pattern from "../../src/forms/Pattern.ts"

const Atom = Schema.Literals([
  "a",
  "[^]a]",
  "\\d",
  "\\p{L}",
  "()",
  "(?:b|cd)",
  "(?i:e|f)",
  "^",
  "\\Q*",
  "[[:alpha:]]",
  "\\x{1F600}"
])
const Times = Schema.Literals(["", "?", "*", "+?", "{2}", "{1,3}", "{7}", "{,3}", "{2,}"])
/** The steps by which a pattern grows: a part is added, or all of it is repeated in a group. */
const Step = Schema.Tuple([Schema.Literals(["", "|", "(", "(?:", "(?P<x>"]), Atom, Times])

const patternOf = (steps: ReadonlyArray<typeof Step.Type>): string =>
  steps.reduce((pattern, [form, atom, times]) => {
    const part = atom === "\\Q*" ? "\\Q*\\E" : atom
    // Names of groups are unique.
    const open = form === "(?P<x>" ? `(?P<x${pattern.length}>` : form
    return form.startsWith("(") ? `${open}${pattern}${part})${times}` : `${pattern}${form}${part}${times}`
  }, "")

const sizeOf = (pattern: string): number => RE2JS.compile(pattern).programSize()

describe("forms/Pattern", () => {
  it.prop(
    "the estimate is close to the compiled size",
    { steps: Schema.Array(Step).check(Schema.isMaxLength(6)) },
    ({ steps }) => {
      const pattern = patternOf(steps)
      const estimate = Pattern.expandedSize(pattern)
      // Larger ones are not compiled, here as in the service.
      if (estimate > 5_000) return
      const size = sizeOf(pattern)
      assert.isAtMost(size, 4 * estimate + 4, pattern)
      assert.isAtMost(estimate, 3 * size, pattern)
    },
    { arbitrary: { runs: 1_000 } }
  )

  it("repetitions multiply", () => {
    for (const [pattern, size] of [
      ["(?:(?:a{10}){10}){10}", 1_000],
      ["[a-z]{1000}".repeat(18), 18_000],
      ["\\pL{1000}b", 1_001],
      ["(?:a|b|c){50}", 50],
      ["[^]{5}]{3}", 3],
      ["a\\{5}", 2 + 2]
    ] as const) {
      assert.strictEqual(Pattern.expandedSize(pattern), size, pattern)
    }
  })

  it("a pattern that would expand to too much is refused without being compiled", () => {
    const before = process.threadCpuUsage().user
    for (let index = 0; index < 1_000; index++) {
      assert.match(`${Pattern.faultOf(`${"[a-z]{1000}".repeat(17)}${index}`)}`, /too complex/)
    }
    // Compiled, they take 30 seconds.
    assert.isBelow(process.threadCpuUsage().user - before, 3_000_000)
  })
})
