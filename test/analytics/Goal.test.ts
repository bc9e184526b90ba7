import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Goal from "../../src/analytics/Goal.ts"

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")

/** The definition of a match: each `*` matches any text. */
const asRegExp = (pattern: string): RegExp => new RegExp(`^${pattern.split("*").map(escaped).join("[^]*")}$`)

/** Few characters, so that patterns often match. */
const Text = Schema.String.check(Schema.isPattern(/^[ab/*]{0,8}$/))

describe("analytics/Goal", () => {
  it.prop(
    "each `*` of a pattern matches any text of a path",
    [Text, Text],
    ([pattern, path]) => assert.strictEqual(Goal.matchesPath(pattern, path), asRegExp(pattern).test(path)),
    { arbitrary: { runs: 3_000 } }
  )

  it("stays fast on a pattern with many stars", () => {
    const before = process.threadCpuUsage().user
    assert.isFalse(Goal.matchesPath(`/${"*a".repeat(200)}*b`, `/${"a".repeat(2_000)}`))
    // In microseconds of this thread, which other processes do not prolong.
    assert.isBelow(process.threadCpuUsage().user - before, 1_000_000)
  })

  it.prop(
    "an event goal matches only events of its name, and a page goal only paths",
    [Schema.String, Schema.String],
    ([value, other]) => {
      assert.isTrue(Goal.matches({ kind: "event", value }, { kind: "event", name: value }))
      assert.strictEqual(Goal.matches({ kind: "event", value }, { kind: "event", name: other }), value === other)
      assert.isFalse(Goal.matches({ kind: "event", value }, { kind: "page", path: value }))
      assert.isFalse(Goal.matches({ kind: "page", value }, { kind: "event", name: value }))
      assert.isTrue(Goal.matches({ kind: "page", value: `${value}*` }, { kind: "page", path: `${value}${other}` }))
    }
  )

  it("names an event by more than blanks", () => {
    assert.isTrue(Goal.isEvent(" Signup"))
    assert.isFalse(Goal.isEvent("   "))
  })

  it("is named by its event, or by its pattern after `Visit`", () => {
    assert.strictEqual(Goal.defaultName({ kind: "event", value: "Signup" }), "Signup")
    assert.strictEqual(Goal.defaultName({ kind: "page", value: "/thanks*" }), "Visit /thanks*")
  })
})
