import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Decision from "../../src/platform/http/Decision.ts"
import { reasons, type Subject } from "../../src/platform/http/Decision.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Decisions from "../../src/sites/Decisions.ts"
import { id as idOf } from "../support/Ids.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const day = 86_400_000

const Event = Schema.Struct({
  claimed: Schema.Boolean,
  id: between(0, 8),
  reason: Schema.Literals(reasons),
  day: between(0, 1)
})

const subjectOf = ({ claimed, id }: typeof Event.Type): Subject =>
  claimed
    ? { _tag: "Claimed", by: id % 2 === 0 ? "tracking-token" : "website-config-id", id: String(id) }
    : { _tag: "Known", websiteConfigId: idOf(WebsiteConfigId, String(id)) }

const sum = (entries: ReadonlyArray<Decisions.DecisionCount>) => entries.reduce((total, { times }) => total + times, 0)

describe("sites/Decisions", () => {
  it.prop(
    "returns every counted decision once, within the capacity, of which claims use at most half",
    [Schema.Array(Event).check(Schema.isMaxLength(80)), between(1, 12), between(1, 20)],
    ([events, capacity, every]) => {
      const tally = Decisions.makeTally(capacity)
      let added = 0
      let taken = 0
      events.forEach((event, index) => {
        if (tally.add(subjectOf(event), event.reason, event.day * day + index)) added++
        const entries = tally.entries()
        assert.isAtMost(entries.length, capacity)
        assert.isAtMost(entries.filter(({ subject }) => subject._tag === "Claimed").length, Math.ceil(capacity / 2))
        if (index % every === 0) taken += sum(tally.take())
      })
      taken += sum(tally.take())
      assert.strictEqual(taken, added)
      assert.isTrue(tally.isEmpty())
    }
  )

  it.prop("counts by subject, reason and day", [Schema.Array(Event)], ([events]) => {
    const tally = Decisions.makeTally(10_000)
    for (const event of events) assert.isTrue(tally.add(subjectOf(event), event.reason, event.day * day))
    for (const entry of tally.entries()) {
      const same = events.filter(
        (event) =>
          JSON.stringify(subjectOf(event)) === JSON.stringify(entry.subject) &&
          event.reason === entry.reason &&
          new Date(event.day * day).toISOString().startsWith(entry.day)
      )
      assert.strictEqual(entry.times, same.length)
    }
  })

  it.prop(
    "keeps apart what was refused, a bounded number of each key, and counts the others together",
    [Schema.Array(between(0, 40))],
    ([refused]) => {
      const tally = Decisions.makeTally(10_000)
      const subject = subjectOf({ claimed: false, id: 1, reason: "bot", day: 0 })
      for (const [at, name] of refused.entries()) {
        tally.add(subject, "foreign-origin", at, Decision.refused(`https://${name}.example`))
      }
      const first = [...new Set(refused)].slice(0, Decision.maxDistinctRefused)
      const others = refused.filter((name) => !first.includes(name)).length
      const entries = tally.entries()
      assert.sameDeepMembers(
        entries.map((entry) => [entry.refused.subject, entry.times, entry.firstAt, entry.lastAt]),
        [
          ...first.map((name) => [
            `https://${name}.example`,
            refused.filter((other) => other === name).length,
            refused.indexOf(name),
            refused.lastIndexOf(name)
          ]),
          ...(others === 0
            ? []
            : [
                [
                  "",
                  others,
                  refused.findIndex((name) => !first.includes(name)),
                  refused.findLastIndex((name) => !first.includes(name))
                ]
              ])
        ]
      )
      assert.strictEqual(sum(entries), refused.length)
    }
  )

  it.prop("claims never prevent counting for a known website", [between(2, 50)], ([capacity]) => {
    const tally = Decisions.makeTally(capacity)
    for (let id = 0; id < 1000; id++) tally.add({ _tag: "Claimed", by: "tracking-token", id: String(id) }, "limited", 0)
    assert.isTrue(tally.add({ _tag: "Known", websiteConfigId: idOf(WebsiteConfigId, "w") }, "bot", 0))
  })
})
