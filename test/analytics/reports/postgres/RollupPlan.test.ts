import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as RollupPlan from "../../../../src/analytics/reports/postgres/RollupPlan.ts"

const hour = 3_600_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The rollup of a day or month: none, complete, of the first hours only, or with other bounds. */
const RollupKind = Schema.Literals(["nothing", "all", "first hours", "other bounds"])

const rollupOf = (
  kind: typeof RollupKind.Type,
  { end, start }: RollupPlan.Interval,
  isCounted: boolean
): RollupPlan.Rolled => {
  if (kind === "first hours") return { start, end: start + 5 * hour, isCounted: false }
  if (kind === "other bounds") return { start: start + hour, end: end + hour, isCounted }
  return { start, end, isCounted }
}

const arbitrary = {
  timeZone: Schema.Literals(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]),
  first: between(1, 28),
  length: between(1, 70),
  days: Schema.Array(RollupKind).check(Schema.isMinLength(1), Schema.isMaxLength(9)),
  months: Schema.Array(RollupKind).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
  /** Of which days and months the sums have conversions. */
  counted: Schema.Array(Schema.Boolean).check(Schema.isMinLength(1), Schema.isMaxLength(5)),
  usesGoals: Schema.Boolean,
  /** Whether the rollups of months are complete. Otherwise they end after ten days. */
  isComplete: Schema.Boolean
}

interface Case {
  readonly timeZone: string
  readonly first: number
  readonly length: number
  readonly days: ReadonlyArray<typeof RollupKind.Type>
  readonly months: ReadonlyArray<typeof RollupKind.Type>
  readonly counted: ReadonlyArray<boolean>
  readonly usesGoals: boolean
  readonly isComplete: boolean
}

const make = (example: Case) => {
  const first = `2026-10-${String(example.first).padStart(2, "0")}`
  const days = LocalTime.days(example.timeZone, first, LocalTime.addDays(first, example.length - 1))
  const isCounted = (index: number) => example.counted[index % example.counted.length] === true
  const kindAt = (list: ReadonlyArray<typeof RollupKind.Type>, index: number) => list[index % list.length] ?? "nothing"
  const state: RollupPlan.State = {
    days: new Map(
      days.flatMap((day, index) => {
        const kind = kindAt(example.days, index)
        return kind === "nothing" ? [] : [[day.date, rollupOf(kind, day, isCounted(index))] as const]
      })
    ),
    months: new Map(
      RollupPlan.monthsBegunIn(days).flatMap((month, index) => {
        const daysOfMonth = days.filter(({ date }) => LocalTime.monthOf(date) === month)
        const kind = kindAt(example.months, index)
        const last = example.isComplete ? daysOfMonth.length - 1 : Math.min(daysOfMonth.length - 1, 9)
        const interval = { start: daysOfMonth[0]?.start ?? 0, end: daysOfMonth[last]?.end ?? 0 }
        return kind === "nothing" ? [] : [[month, rollupOf(kind, interval, isCounted(index))] as const]
      })
    )
  }
  return { days, plan: RollupPlan.make(days, state, example.usesGoals), state }
}

describe("analytics/reports/postgres/RollupPlan", () => {
  it.prop(
    "every moment of the days is read once: from a sum, from stored visits, or from rows",
    arbitrary,
    (example) => {
      const { days, plan } = make(example)
      const parts = [...plan.summed, ...plan.visits, ...plan.raw].toSorted((left, right) => left.start - right.start)
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
      if (!isStart) assert.strictEqual(plan.visits.filter(({ end }) => end === start).length, 1)
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

  it.prop(
    "a query of goals reads no sum without conversions, and the stored visits of such days instead of their rows",
    arbitrary,
    (example) => {
      const { days, plan, state } = make({ ...example, usesGoals: true })
      for (const date of plan.days) assert.isTrue(state.days.get(date)?.isCounted)
      for (const month of plan.months) assert.isTrue(state.months.get(month)?.isCounted)
      for (const { date, end, start } of days) {
        const rolled = state.days.get(date)
        if (rolled === undefined || rolled.start !== start || rolled.end > end) continue
        assert.isFalse(plan.raw.some((part) => part.start < rolled.end && part.end > start))
      }
    }
  )

  it.prop("a query without goals reads the same sums whether they have conversions or not", arbitrary, (example) => {
    const of = (counted: ReadonlyArray<boolean>) => make({ ...example, counted, usesGoals: false }).plan
    assert.deepStrictEqual(of([true]), of(example.counted))
  })

  it("a date that a clock change skips reads no sum of its month", () => {
    const date = "2011-12-30"
    const days = LocalTime.days("Pacific/Apia", date, date)
    assert.strictEqual(days[0]?.start, days[0]?.end)
    assert.deepStrictEqual(RollupPlan.make(days, { days: new Map(), months: new Map() }, false).months, [])
  })
})
