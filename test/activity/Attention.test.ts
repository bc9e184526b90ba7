import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Attention from "../../src/activity/Attention.ts"
import { kinds } from "../../src/health/Problem.ts"

const Place = Schema.Struct({
  need: Schema.Literals(Attention.needs),
  since: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999_999_999_999_999 })),
  id: Schema.Literals(["0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"])
})

const day = 86_400_000
const now = 1_000 * day

const Problems = Schema.Array(
  Schema.Struct({ kind: Schema.Literals(kinds), days: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60 })) })
).check(Schema.isMaxLength(4))

const needAt = (problems: (typeof Problems)["Type"]) =>
  Attention.needOf(
    problems.map(({ days, kind }) => ({ kind, since: new Date(now - days * day).toISOString() })),
    now
  )

describe("a place in the list of websites", () => {
  it.effect.prop("is read as it was written", [Place], ([place]) =>
    Effect.sync(() => assert.deepStrictEqual(Attention.parsePlace(Attention.formatPlace(place)), Option.some(place)))
  )

  it("is not read from another text", () => {
    const id = "0f8fad5b-d9cb-469f-a165-70867728950e"
    for (const text of ["", id, `5.${id}`, `5.5.${id}`, "0.5.x", `0..${id}`, `00.5.${id}`]) {
      assert.deepStrictEqual(Attention.parsePlace(text), Option.none(), text)
    }
  })

  it.effect.prop(
    "comes before all others of less urgent needs, and of the same need if its website has waited longer",
    [Place, Place, Place],
    ([one, other, third]) =>
      Effect.sync(() => {
        const order = Attention.order(one, other)
        assert.strictEqual(order, -Attention.order(other, one) + 0)
        const [left, right] = [one, other].map(({ need }) => Attention.needs.indexOf(need)) as [number, number]
        if (left !== right) assert.strictEqual(order < 0, left < right)
        else if (one.since !== other.since) assert.strictEqual(order < 0, one.since < other.since)
        else assert.strictEqual(order === 0, one.id === other.id)
        if (order <= 0 && Attention.order(other, third) <= 0) assert.isAtMost(Attention.order(one, third), 0)
      })
  )

  it("is before those of websites that something else waits for, if something is broken", () => {
    assert.deepStrictEqual([...Attention.needs], ["repair", "answer", "reading", "check", "nothing"])
  })
})

describe("what a website needs for its problems", () => {
  it.effect.prop(
    "is the oldest problem; a tag that was silent for a month, and what anyone can cause, count only without another",
    [Problems],
    ([problems]) =>
      Effect.sync(() => {
        const urgent = problems.filter(
          ({ days, kind }) =>
            kind !== "origin_refused" && kind !== "limit_reached" && (kind !== "tag_silent" || days < 30)
        )
        const since = (all: typeof problems) => now - Math.max(...all.map(({ days }) => days)) * day
        assert.deepStrictEqual(
          needAt(problems),
          urgent.length > 0
            ? { need: "repair", since: since(urgent) }
            : problems.length > 0
              ? { need: "check", since: since(problems) }
              : null
        )
      })
  )
})
