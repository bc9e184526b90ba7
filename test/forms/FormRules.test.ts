import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as FormRules from "../../src/forms/FormRules.ts"

const faultsOf = (input: unknown): ReadonlyArray<string> =>
  Result.match(FormRules.read(input), {
    onFailure: ({ issue }) => FormRules.faultsOfIssue(issue).map(({ message, path }) => `${path.join(".")} ${message}`),
    onSuccess: () => []
  })

/** Values that a member of a field's rules may have by mistake. */
const Value = Schema.Union([Schema.Json, Schema.Literals([-1, 0, 1, 1.5, 1e7, "", "[", "a", "\0", true])])

const Member = Schema.Literals(["required", "email", "number", "min", "max", "pattern", "one_of", "message", "other"])

describe("forms/FormRules", () => {
  it.prop(
    "any rules are read unchanged, or each of their errors says what is allowed",
    [Schema.Record(Schema.Literals(["name", "email", "", "__proto__", "hydracore_ms"]), Schema.Record(Member, Value))],
    ([input]) => {
      const read = FormRules.read(input)
      if (Result.isSuccess(read)) return assert.deepStrictEqual(read.success as object, input)
      for (const { message, path } of FormRules.faultsOfIssue(read.failure.issue)) {
        assert.match(message, /^(must|cannot|is not a rule; the rules are|is too complex; use)/)
        assert.isAtMost(path.length, 3)
      }
    }
  )

  it("reads the rules of the guide", () => {
    assert.deepStrictEqual(
      faultsOf({
        name: { required: true, max: 100 },
        email: { required: true, email: true },
        people: { number: true, min: 1, max: 12 },
        tour: { one_of: ["First strokes", "Open water"] },
        phone: { pattern: "[+0-9 ()-]{6,20}", message: "Please enter a phone number." }
      }),
      []
    )
  })

  it("states every error with its path and what is allowed there", () => {
    const rules = "required, email, number, min, max, pattern, one_of, message"
    const cases: ReadonlyArray<readonly [input: unknown, faults: ReadonlyArray<string>]> = [
      [[], [" must be an object with the names of fields"]],
      ["x", [" must be an object with the names of fields"]],
      [{}, [" must name 1 to 50 fields"]],
      [{ a: true }, ["a must be an object with rules"]],
      [
        { a: { required: 1, foo: 2 } },
        [`a.foo is not a rule; the rules are ${rules}`, "a.required must be true or false"]
      ],
      [{ a: { min: "3" } }, ["a.min must be a number"]],
      [
        { a: { min: -1 } },
        ['a.min must be a count of characters from 0 to 1000000, unless the field has "number": true']
      ],
      [{ a: { number: true, min: 3, max: -1.5 } }, ["a.max must not be less than min"]],
      [{ a: { email: true, number: true } }, ["a.number cannot be combined with email"]],
      [{ a: { one_of: [] } }, ["a.one_of must have 1 to 100 texts"]],
      [{ a: { one_of: ["x", 1] } }, ["a.one_of.1 must be a text"]],
      [{ a: { message: "" } }, ["a.message must be a text of 1 to 200 characters"]],
      [{ hydracore_ms: {} }, ["hydracore_ms cannot have rules: the name is reserved"]],
      [JSON.parse('{"__proto__": {}}'), ["__proto__ cannot have rules: the name is reserved"]],
      [Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`a${index}`, {}])), [" must name 1 to 50 fields"]],
      [
        { a: { one_of: Array.from({ length: 100 }, () => "x".repeat(200)) } },
        [" must have at most 8192 characters as JSON"]
      ]
    ]
    for (const [input, faults] of cases) assert.deepStrictEqual(faultsOf(input), faults)
    assert.match(faultsOf({ a: { pattern: "[" } })[0] ?? "", /^a\.pattern must be a regular expression/)
  })

  it("reads no pattern of rules that are too many or too long", () => {
    const rulesOf = (count: number, pattern: (index: number) => string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`field${index}`, { pattern: pattern(index) }]))
    const before = process.threadCpuUsage().user
    for (const [rules, fault] of [
      [rulesOf(130, (index) => `${"[a-z]{20}".repeat(18)}${index}`), " must name 1 to 50 fields"],
      [rulesOf(50, (index) => `${"[a-z]{20}".repeat(18)}${index}`), " must have at most 8192 characters as JSON"],
      [
        rulesOf(40, (index) => `(?i)[${"\\PL".repeat(20)}]${index}`),
        " must have at most 50 Unicode properties such as \\p{L}"
      ]
    ] as const) {
      assert.deepStrictEqual(faultsOf(rules), [fault])
    }
    // The largest rules whose patterns are read.
    assert.lengthOf(faultsOf(rulesOf(36, (index) => `${"[a-z]{22}".repeat(18)}${index}`)), 36)
    // Compiled, the patterns above take seconds.
    assert.isBelow(process.threadCpuUsage().user - before, 500_000)
  })
})
