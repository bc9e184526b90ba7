import { assert, describe, it } from "@effect/vitest"
import * as Visits from "../../../../src/core/analytics/report/Visits.ts"
import { Rows, rowsOf } from "../../../support/Reports.ts"

const timesOf = ({ events, views }: Visits.Visit) =>
  [...views, ...events].map(({ receivedAt }) => receivedAt).sort((left, right) => left - right)

describe("core/analytics/report/Visits", () => {
  it.prop(
    "a visit has no gap of more than 30 minutes, and the next one begins after such a gap",
    { rows: Rows },
    ({ rows }) => {
      const byKey = new Map<string, Array<Visits.Visit>>()
      for (const visit of Visits.make(rowsOf(rows))) {
        byKey.set(visit.sessionKey, [...(byKey.get(visit.sessionKey) ?? []), visit])
      }
      for (const visits of byKey.values()) {
        const ordered = visits.sort((left, right) => left.startedAt - right.startedAt)
        for (const [index, visit] of ordered.entries()) {
          const times = timesOf(visit)
          assert.deepStrictEqual([times[0], times.at(-1)], [visit.startedAt, visit.endedAt])
          for (const [previous, time] of times.slice(1).entries())
            assert.isAtMost(time - (times[previous] ?? time), Visits.maxGap)
          const next = ordered[index + 1]
          if (next !== undefined) assert.isAbove(next.startedAt - visit.endedAt, Visits.maxGap)
        }
      }
    }
  )

  it.prop(
    "every page view and event is in exactly one visit, which has its session key",
    { rows: Rows },
    ({ rows: shape }) => {
      const rows = rowsOf(shape)
      const visits = Visits.make(rows)
      assert.sameMembers(
        visits.flatMap(({ views }) => views),
        [...rows.views]
      )
      assert.sameMembers(
        visits.flatMap(({ events }) => events),
        [...rows.events]
      )
      for (const { events, sessionKey, views } of visits) {
        for (const row of [...views, ...events]) assert.strictEqual(Visits.sessionKey(row), sessionKey)
      }
    }
  )

  it.prop(
    "a conversion belongs to the visit with its session key that contains its `visitStartedAt`, if there is one",
    { rows: Rows },
    ({ rows: shape }) => {
      const rows = rowsOf(shape)
      const visits = Visits.make(rows)
      for (const conversion of rows.conversions) {
        const owners = visits.filter(({ conversions }) => conversions.includes(conversion))
        assert.isAtMost(owners.length, 1)
        const expected = visits.filter(
          ({ endedAt, sessionKey, startedAt }) =>
            sessionKey === conversion.sessionKey &&
            startedAt <= conversion.visitStartedAt &&
            conversion.visitStartedAt <= endedAt
        )
        assert.deepStrictEqual(owners, expected)
      }
    }
  )

  it.prop("a bounce has one page view, no interactive event, and no duration", { rows: Rows }, ({ rows }) => {
    for (const visit of Visits.make(rowsOf(rows))) {
      const isBounce = visit.views.length === 1 && visit.events.every(({ isInteractive }) => !isInteractive)
      assert.strictEqual(visit.isBounce, isBounce)
      assert.strictEqual(visit.duration, isBounce ? 0 : Math.floor((visit.endedAt - visit.startedAt) / 1000))
    }
  })
})
