import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Pattern from "../../src/forms/Pattern.ts"

/** Regular expressions that RE2 and JavaScript read alike, without the sets of white space, which differ. */
const Atom = Schema.Literals(["a", "b", ".", "[ab]", "[^a]", "(?:a|ab)", "\\d", "é", "(b*)"])
const Piece = Schema.Tuple([Atom, Schema.Literals(["", "?", "*", "+", "{2}", "{1,3}"])])
const Text = Schema.Array(Schema.Literals(["a", "b", "1", "é", "😀"])).check(Schema.isMaxLength(8))

/** Patterns with which engines that backtrack take exponential time. */
const exponential = [
  "(a*)*b",
  "(a|a)*b",
  "(a|aa)+b",
  "(.*)*b",
  "(?:a?){60}a{60}b",
  "([a-z]+)*\\d",
  "^(([a-z])+.)+[A-Z]$"
]

describe("forms/Pattern", () => {
  it.prop(
    "matches a text if and only if JavaScript's engine matches the whole text",
    [Schema.Array(Piece), Text],
    ([pieces, texts]) => {
      const pattern = pieces
        .slice(0, 4)
        .map(([atom, times]) => atom + times)
        .join("")
      if (pattern === "") return
      const text = texts.join("")
      assert.isUndefined(Pattern.faultOf(pattern))
      assert.strictEqual(
        Pattern.matches(pattern, text),
        new RegExp(`^(?:${pattern})$`, "u").test(text),
        `${pattern} ${text}`
      )
    }
  )

  // With an engine that backtracks, these tests exceed their timeout.
  for (const pattern of exponential) {
    it(`matching ${pattern} ends, even for the longest text`, () => {
      assert.isUndefined(Pattern.faultOf(pattern))
      for (const end of ["!", "\ud800"]) {
        assert.isFalse(Pattern.matches(pattern, "a".repeat(Pattern.maxText - 1) + end))
      }
    })
  }

  it("a text that is too long does not match", () => {
    assert.isTrue(Pattern.matches("a*", "a".repeat(Pattern.maxText)))
    assert.isFalse(Pattern.matches("a*", "a".repeat(Pattern.maxText + 1)))
  })

  it("states what is wrong with a pattern", () => {
    for (const [pattern, fault] of [
      ["[", /^must be a regular expression .*missing closing \]/],
      ["(?=a)b", /without look-around/],
      ["(a)\\1", /without .*back-references/],
      ["a{1001}", /^is too complex/],
      ["(a{50}){50}", /^is too complex/],
      ["\\pL".repeat(21), /^must have at most 20 Unicode properties/],
      ["a{300}", /^is too complex/],
      ["a".repeat(201), /^must have at most 200 characters/]
    ] as const) {
      assert.match(`${Pattern.faultOf(pattern)}`, fault)
      assert.isFalse(Pattern.matches(pattern, "a"))
    }
  })
})
