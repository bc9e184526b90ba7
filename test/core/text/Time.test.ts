import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Time from "../../../src/core/text/Time.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const Unit = Schema.Literals(["s", "m", "h", "d", "w"])
const century = 36_500 * units.d

/** Texts that are spans, and texts that are almost: random ones are neither. */
const Attempt = Schema.Struct({
  before: Schema.Literals(["", "", "", "", " ", "-", "0", "+"]),
  number: Schema.Union([between(0, 100), between(0, 20_000_000_000)]),
  unit: Schema.Literals(["s", "m", "h", "d", "w", "s", "m", "h", "d", "w", "y", "S", "ms", ""]),
  after: Schema.Literals(["", "", "", "", " ", "\n", "x"])
})

/** Times of a day that a clock shows, and times that it almost shows. */
const Clock = Schema.Struct({
  hours: between(0, 25),
  minutes: between(0, 61),
  seconds: Schema.NullOr(between(0, 61)),
  fraction: Schema.NullOr(Schema.Array(between(0, 9)).check(Schema.isMaxLength(11))),
  zone: Schema.Literals(["Z", "+00:00", "+02:00", "-05:30", "+23:59", "+24:00", "-02:60", "z", "+0200", ""])
})
const zones: ReadonlyArray<string> = ["Z", "+00:00", "+02:00", "-05:30", "+23:59"]

/** Every moment of the years 1 to 9998. */
const Moment = between(Date.parse("0001-01-01T00:00:00Z"), Date.parse("9998-12-31T23:59:59Z"))
const two = (number: number) => String(number).padStart(2, "0")

describe("core/text/Time.parseSpan", () => {
  it.prop("reads a number and a unit, up to a hundred years", [between(1, 9_999_999), Unit], ([number, unit]) => {
    const span = number * units[unit]
    assert.deepStrictEqual(Time.parseSpan(`${number}${unit}`), span <= century ? Option.some(span) : Option.none())
  })

  it.prop("reads a whole number from 1, a unit, and nothing else, up to a hundred years", [Attempt], ([attempt]) => {
    const { after, before, number, unit } = attempt
    const span = unit in units ? number * units[unit as keyof typeof units] : Number.NaN
    const isSpan = before === "" && after === "" && span >= 1_000 && span <= century
    assert.deepStrictEqual(
      Time.parseSpan(`${before}${number}${unit}${after}`),
      isSpan ? Option.some(span) : Option.none()
    )
  })

  it.prop("reads a hundred years in any unit, and no second more", [Unit], ([unit]) => {
    const most = century / units[unit]
    const whole = Math.floor(most)
    assert.deepStrictEqual(Time.parseSpan(`${whole}${unit}`), Option.some(whole * units[unit]))
    assert.deepStrictEqual(Time.parseSpan(`${whole + 1}${unit}`), Option.none())
  })

  it("reads nothing of what only looks like a span", () => {
    for (const text of [
      "",
      "90",
      "d",
      "0d",
      "-1d",
      "1.5d",
      "1e3s",
      " 90d",
      "90d\n",
      "90D",
      "1mo",
      "9999999999w",
      "٩d"
    ]) {
      assert.isTrue(Option.isNone(Time.parseSpan(text)), text)
    }
  })
})

describe("core/text/Time.parseMoment", () => {
  it.prop("reads back what iso writes", [Moment], ([moment]) => {
    assert.deepStrictEqual(Time.parseMoment(Time.iso(moment)), Option.some(moment))
  })

  it.prop("a moment is on the day whose midnight is the last one before it", [Moment], ([moment]) => {
    const midnight = Time.dayOf(moment) * Time.dayMillis
    assert.isTrue(midnight <= moment && moment < midnight + Time.dayMillis)
    assert.deepStrictEqual(Time.parseMoment(Time.dateOf(moment)), Option.some(midnight))
  })

  it.prop("a date is its midnight in UTC", [Moment], ([moment]) => {
    assert.deepStrictEqual(
      Time.parseMoment(Time.iso(moment).slice(0, 10)),
      Option.some(Math.floor(moment / units.d) * units.d)
    )
  })

  it.prop(
    "the same moment on a clock of another zone is the same moment",
    [Moment, between(0, 23), between(0, 59), Schema.Literals([1, -1])],
    ([moment, hours, minutes, sign]) => {
      const clock = Time.iso(moment + sign * (hours * units.h + minutes * units.m)).slice(0, -1)
      if (!/^\d{4}-/.test(clock)) return
      assert.deepStrictEqual(
        Time.parseMoment(`${clock}${sign === 1 ? "+" : "-"}${two(hours)}:${two(minutes)}`),
        Option.some(moment)
      )
    }
  )

  it.prop("knows the calendar", [between(1, 9998), between(0, 13), between(0, 32)], ([year, month, day]) => {
    const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
    const length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
    const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`
    assert.strictEqual(Option.isSome(Time.parseMoment(text)), day >= 1 && day <= length, text)
  })

  it.prop("reads a time that a clock shows with its zone, and no other", [Moment, Clock], ([day, clock]) => {
    const { fraction, hours, minutes, seconds, zone } = clock
    const written = fraction === null || seconds === null ? "" : `.${fraction.join("")}`
    const time = `${two(hours)}:${two(minutes)}${seconds === null ? "" : `:${two(seconds)}`}${written}${zone}`
    const text = `${Time.dateOf(day)}T${time}`
    const isShown =
      hours <= 23 &&
      minutes <= 59 &&
      (seconds ?? 0) <= 59 &&
      (written === "" || (written.length >= 2 && written.length <= 10)) &&
      zones.includes(zone)
    assert.deepStrictEqual(Time.parseMoment(text), isShown ? Option.some(Date.parse(text)) : Option.none(), text)
  })

  it("reads no time without a zone, no hour 24 and nothing that is not written out", () => {
    for (const text of [
      "2026-03-01T12:00:00",
      "2026-03-01T24:00:00Z",
      "2026-03-01T12:60Z",
      "2026-03-01 12:00Z",
      "2026-03-01Z",
      "2026-3-1",
      "+012026-03-01",
      "1767225600000",
      "yesterday"
    ]) {
      assert.isTrue(Option.isNone(Time.parseMoment(text)), text)
    }
  })
})

describe("core/text/Time.parseSince and parseUntil", () => {
  it.prop(
    "a span is counted from the present, back and forth",
    [Moment, between(1, 999), Unit],
    ([now, number, unit]) => {
      const text = `${number}${unit}`
      assert.deepStrictEqual(Time.parseSince(text, now), Option.some(now - number * units[unit]))
      assert.deepStrictEqual(Time.parseUntil(text, now), Option.some(now + number * units[unit]))
    }
  )

  it.prop("a moment is itself, and an end is still to come", [Moment, Moment], ([now, moment]) => {
    const text = Time.iso(moment)
    assert.deepStrictEqual(Time.parseSince(text, now), Option.some(moment))
    assert.deepStrictEqual(Time.parseUntil(text, now), moment > now ? Option.some(moment) : Option.none())
  })
})
