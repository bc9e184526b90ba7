import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LocalTime from "../../../../src/core/analytics/report/LocalTime.ts"
import * as RollupPlan from "../../../../src/core/analytics/report/RollupPlan.ts"

const hour = 3_600_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** The rollup of a day or month: none, complete, of the first hours only (without or with a sum), or with other bounds. */
const RollupKind = Schema.Literals(["nothing", "all", "first hours", "summed first hours", "other bounds"])

const rollupOf = (kind: typeof RollupKind.Type, { end, start }: RollupPlan.Interval): RollupPlan.RolledDay => {
  const isPartlySummed = kind === "summed first hours"
  if (kind === "first hours" || isPartlySummed) {
    return { start, end: start + 5 * hour, visitsEnd: start + 6 * hour, isPartlySummed }
  }
  if (kind === "other bounds") {
    return { start: start + hour, end: end + hour, visitsEnd: end + hour, isPartlySummed }
  }
  return { start, end, visitsEnd: end + hour, isPartlySummed }
}

const arbitrary = {
  timeZone: Schema.Literals(["UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe"]),
  first: between(1, 28),
  length: between(1, 70),
  days: Schema.Array(RollupKind).check(Schema.isMinLength(1), Schema.isMaxLength(9)),
  months: Schema.Array(RollupKind).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
  stale: Schema.Array(between(0, 24 * 80)).check(Schema.isMaxLength(3)),
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
    stale: example.stale.map((hours) => Date.UTC(2026, 8, 30) + hours * hour)
  }
  return { days, plan: RollupPlan.make(days, state), state }
}

describe("core/analytics/report/RollupPlan", () => {
  it.prop(
    "every moment of the days is read once: from a whole or a partly summed day, from an open day, or from rows",
    arbitrary,
    (example) => {
      const { days, plan } = make(example)
      const parts = [...plan.stored, ...plan.partlySummed, ...plan.open, ...plan.raw].toSorted(
        (left, right) => left.start - right.start
      )
      assert.isTrue(parts.every(({ end, start }) => start < end))
      assert.deepStrictEqual(
        parts.slice(1).map(({ start }) => start),
        parts.slice(0, -1).map(({ end }) => end)
      )
      assert.deepStrictEqual([parts[0]?.start, parts.at(-1)?.end], [days[0]?.start, days.at(-1)?.end])
    }
  )

  it.prop("exactly the sums of the stored and the partly summed days are read, each once", arbitrary, (example) => {
    const { days, plan, state } = make(example)
    const isStored = (day: LocalTime.Day) => plan.stored.some(({ end, start }) => start <= day.start && day.end <= end)
    const isOfMonth = ({ date, end }: LocalTime.Day) => {
      const month = LocalTime.monthOf(date)
      return plan.months.includes(month) && end <= (state.months.get(month)?.end ?? 0)
    }
    const hasSummedPart = (day: LocalTime.Day) => plan.partlySummed.some(({ start }) => start === day.start)
    const summed = days.filter((day) => isOfMonth(day) !== plan.days.includes(day.date))
    assert.deepStrictEqual(
      summed,
      days.filter((day) => isStored(day) || hasSummedPart(day))
    )
    for (const day of days.filter(hasSummedPart)) assert.isTrue(state.days.get(day.date)?.isPartlySummed)
  })

  it.prop("no rollup is read that overlaps a changed hour", arbitrary, (example) => {
    const { plan, state } = make(example)
    for (const date of plan.days) assert.isFalse(RollupPlan.isStale(state.days.get(date)!, state.stale))
    for (const month of plan.months) assert.isFalse(RollupPlan.isStale(state.months.get(month)!, state.stale))
    for (const { start } of [...plan.partlySummed, ...plan.open]) {
      const open = [...state.days.values()].find((day) => day.start === start)
      assert.isFalse(open === undefined || RollupPlan.isStale(open, state.stale))
    }
  })

  it("a date that a clock change skips reads no sum of its month", () => {
    const date = "2011-12-30"
    const days = LocalTime.days("Pacific/Apia", date, date)
    assert.strictEqual(days[0]?.start, days[0]?.end)
    assert.deepStrictEqual(RollupPlan.make(days, { days: new Map(), months: new Map(), stale: [] }).months, [])
  })
})
