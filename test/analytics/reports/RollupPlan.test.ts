import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import * as RollupPlan from "../../../src/analytics/reports/RollupPlan.ts"

const hour = 3_600_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The rollup of a day or month: none, complete, of the first hours only, or with other bounds. */
const RollupKind = Schema.Literals(["nothing", "all", "first hours", "other bounds"])

const rollupOf = (kind: typeof RollupKind.Type, { end, start }: RollupPlan.Interval): RollupPlan.Rolled => {
  if (kind === "first hours") return { start, end: start + 5 * hour }
  if (kind === "other bounds") return { start: start + hour, end: end + hour }
  return { start, end }
}

const arbitrary = {
  timeZone: Schema.Literals(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]),
  first: between(1, 28),
  length: between(1, 70),
  days: Schema.Array(RollupKind).check(Schema.isMinLength(1), Schema.isMaxLength(9)),
  months: Schema.Array(RollupKind).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
  stale: Schema.Array(between(0, 24 * 80)).check(Schema.isMaxLength(3)),
  /** How many of the stale hours have changed page views or events, and not only leads. */
  staleVisits: between(0, 3),
  /** Whether the rollups of months are complete. Otherwise they end after ten days. */
  isComplete: Schema.Boolean
}

interface Case {
  readonly timeZone: string
  readonly first: number
  readonly length: number
  readonly days: ReadonlyArray<typeof RollupKind.Type>
  readonly months: ReadonlyArray<typeof RollupKind.Type>
  readonly stale: ReadonlyArray<number>
  readonly staleVisits: number
  readonly isComplete: boolean
}

const make = (example: Case) => {
  const first = `2026-10-${String(example.first).padStart(2, "0")}`
  const days = LocalTime.days(example.timeZone, first, LocalTime.addDays(first, example.length - 1))
  const kindAt = (list: ReadonlyArray<typeof RollupKind.Type>, index: number) => list[index % list.length] ?? "nothing"
  const state: RollupPlan.State = {
    days: new Map(
      days.flatMap((day, index) => {
        const kind = kindAt(example.days, index)
        return kind === "nothing" ? [] : [[day.date, rollupOf(kind, day)] as const]
      })
    ),
    months: new Map(
      RollupPlan.monthsBegunIn(days).flatMap((month, index) => {
        const daysOfMonth = days.filter(({ date }) => LocalTime.monthOf(date) === month)
        const kind = kindAt(example.months, index)
        const last = example.isComplete ? daysOfMonth.length - 1 : Math.min(daysOfMonth.length - 1, 9)
        const interval = { start: daysOfMonth[0]?.start ?? 0, end: daysOfMonth[last]?.end ?? 0 }
        return kind === "nothing" ? [] : [[month, rollupOf(kind, interval)] as const]
      })
    ),
    stale: example.stale.map((hours) => Date.UTC(2026, 8, 30) + hours * hour),
    staleVisits: example.stale.slice(0, example.staleVisits).map((hours) => Date.UTC(2026, 8, 30) + hours * hour)
  }
  return { days, plan: RollupPlan.make(days, state), state }
}

describe("analytics/reports/RollupPlan", () => {
  it.prop(
    "every moment of the days is read once: from a sum, from the stored visits of an open day, or from rows",
    arbitrary,
    (example) => {
      const { days, plan } = make(example)
      const parts = [...plan.summed, ...plan.open, ...plan.raw].toSorted((left, right) => left.start - right.start)
      assert.isTrue(parts.every(({ end, start }) => start < end))
      assert.deepStrictEqual(
        parts.slice(1).map(({ start }) => start),
        parts.slice(0, -1).map(({ end }) => end)
      )
      assert.deepStrictEqual([parts[0]?.start, parts.at(-1)?.end], [days[0]?.start, days.at(-1)?.end])
    }
  )

  it.prop("rows are read from the start of a day, or after the stored visits of that day", arbitrary, (example) => {
    const { days, plan } = make(example)
    for (const { start } of plan.raw) {
      const isStart = days.some((day) => day.start === start)
      assert.strictEqual(plan.open.filter(({ end }) => end === start).length, isStart ? 0 : 1)
    }
  })

  it.prop("exactly the sums of the days that have ended are read, each once", arbitrary, (example) => {
    const { days, plan, state } = make(example)
    const isOfMonth = ({ date, end }: LocalTime.Day) => {
      const month = LocalTime.monthOf(date)
      return plan.months.includes(month) && end <= (state.months.get(month)?.end ?? 0)
    }
    assert.deepStrictEqual(
      days.filter((day) => isOfMonth(day) !== plan.days.includes(day.date)),
      days.filter((day) => plan.summed.some(({ end, start }) => start <= day.start && day.end <= end))
    )
  })

  it.prop("no sum is read that overlaps a changed hour, and no stored visits with other rows", arbitrary, (example) => {
    const { plan, state } = make(example)
    for (const date of plan.days) assert.isFalse(RollupPlan.isStale(state.days.get(date)!, state.stale))
    for (const month of plan.months) assert.isFalse(RollupPlan.isStale(state.months.get(month)!, state.stale))
    for (const part of plan.open) assert.isFalse(RollupPlan.isStale(part, state.staleVisits))
  })

  it("a date that a clock change skips reads no sum of its month", () => {
    const date = "2011-12-30"
    const days = LocalTime.days("Pacific/Apia", date, date)
    assert.strictEqual(days[0]?.start, days[0]?.end)
    assert.deepStrictEqual(
      RollupPlan.make(days, { days: new Map(), months: new Map(), stale: [], staleVisits: [] }).months,
      []
    )
  })
})
