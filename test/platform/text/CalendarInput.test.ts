import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Calendar from "../../../src/platform/text/Calendar.ts"
import { dateOf, iso } from "../../../src/platform/text/Calendar.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const Unit = Schema.Literals(["s", "m", "h", "d", "w"])
const century = 36_500 * units.d

/** Texts that are or resemble durations, which random texts rarely do. */
const Attempt = Schema.Struct({
  before: Schema.Literals(["", "", "", "", " ", "-", "0", "+"]),
  number: Schema.Union([between(0, 100), between(0, 20_000_000_000)]),
  unit: Schema.Literals(["s", "m", "h", "d", "w", "s", "m", "h", "d", "w", "y", "S", "ms", ""]),
  after: Schema.Literals(["", "", "", "", " ", "\n", "x"])
})

/** Valid and nearly valid times of a day. */
const Clock = Schema.Struct({
  hours: between(0, 25),
  minutes: between(0, 61),
  seconds: Schema.NullOr(between(0, 61)),
  fraction: Schema.NullOr(Schema.Array(between(0, 9)).check(Schema.isMaxLength(11))),
  zone: Schema.Literals(["Z", "+00:00", "+02:00", "-05:30", "+23:59", "+24:00", "-02:60", "z", "+0200", ""])
})
const zones: ReadonlyArray<string> = ["Z", "+00:00", "+02:00", "-05:30", "+23:59"]

/** Every time of the years 1 to 9998, in milliseconds since 1970. */
const Time = between(Date.parse("0001-01-01T00:00:00Z"), Date.parse("9998-12-31T23:59:59Z"))
const two = (number: number) => String(number).padStart(2, "0")

describe("platform/text/Calendar.parseDuration", () => {
  it.prop("parses a number and a unit, up to a hundred years", [between(1, 9_999_999), Unit], ([number, unit]) => {
    const duration = number * units[unit]
    assert.deepStrictEqual(
      Calendar.parseDuration(`${number}${unit}`),
      duration <= century ? Option.some(duration) : Option.none()
    )
  })

  it.prop("parses a whole number from 1 and a unit, and nothing else", [Attempt], ([attempt]) => {
    const { after, before, number, unit } = attempt
    const duration = unit in units ? number * units[unit as keyof typeof units] : Number.NaN
    const isDuration = before === "" && after === "" && duration >= 1_000 && duration <= century
    assert.deepStrictEqual(
      Calendar.parseDuration(`${before}${number}${unit}${after}`),
      isDuration ? Option.some(duration) : Option.none()
    )
  })

  it.prop("parses up to a hundred years in every unit", [Unit], ([unit]) => {
    const most = century / units[unit]
    const whole = Math.floor(most)
    assert.deepStrictEqual(Calendar.parseDuration(`${whole}${unit}`), Option.some(whole * units[unit]))
    assert.deepStrictEqual(Calendar.parseDuration(`${whole + 1}${unit}`), Option.none())
  })

  it("rejects texts that resemble a duration", () => {
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
      assert.isTrue(Option.isNone(Calendar.parseDuration(text)), text)
    }
  })
})

describe("platform/text/Calendar.parseTimestamp", () => {
  it.prop("parses what iso formats", [Time], ([time]) => {
    assert.deepStrictEqual(Calendar.parseTimestamp(iso(time)), Option.some(time))
  })

  it.prop("a date is its midnight in UTC", [Time], ([time]) => {
    assert.deepStrictEqual(Calendar.parseTimestamp(dateOf(time)), Option.some(Math.floor(time / units.d) * units.d))
  })

  it.prop(
    "a time in another time zone is the same time",
    [Time, between(0, 23), between(0, 59), Schema.Literals([1, -1])],
    ([time, hours, minutes, sign]) => {
      const clock = iso(time + sign * (hours * units.h + minutes * units.m)).slice(0, -1)
      if (!/^\d{4}-/.test(clock)) return
      assert.deepStrictEqual(
        Calendar.parseTimestamp(`${clock}${sign === 1 ? "+" : "-"}${two(hours)}:${two(minutes)}`),
        Option.some(time)
      )
    }
  )

  it.prop(
    "accepts exactly the dates of the calendar",
    [between(1, 9998), between(0, 13), between(0, 32)],
    ([year, month, day]) => {
      const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
      const length = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
      const text = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`
      assert.strictEqual(Option.isSome(Calendar.parseTimestamp(text)), day >= 1 && day <= length, text)
    }
  )

  it.prop("parses valid times of a day with a time zone, and no others", [Time, Clock], ([day, clock]) => {
    const { fraction, hours, minutes, seconds, zone } = clock
    const fractionText = fraction === null || seconds === null ? "" : `.${fraction.join("")}`
    const time = `${two(hours)}:${two(minutes)}${seconds === null ? "" : `:${two(seconds)}`}${fractionText}${zone}`
    const text = `${dateOf(day)}T${time}`
    const isValid =
      hours <= 23 &&
      minutes <= 59 &&
      (seconds ?? 0) <= 59 &&
      (fractionText === "" || (fractionText.length >= 2 && fractionText.length <= 10)) &&
      zones.includes(zone)
    assert.deepStrictEqual(Calendar.parseTimestamp(text), isValid ? Option.some(Date.parse(text)) : Option.none(), text)
  })

  it("rejects texts that resemble a timestamp", () => {
    for (const text of [
      "2026-03-01T12:00:00",
      "2026-03-01T24:00:00Z",
      "2026-03-01T12:60Z",
      "2026-03-01 12:00Z",
      "2026-03-01Z",
      "2026-3-1",
      "+012026-03-01",
      "9999-12-31T23:59:59-00:01",
      "1767225600000",
      "yesterday"
    ]) {
      assert.isTrue(Option.isNone(Calendar.parseTimestamp(text)), text)
    }
  })
})

describe("platform/text/Calendar.parseSince and parseUntil", () => {
  it.prop("a duration counts back or forward from now", [Time, between(1, 999), Unit], ([now, number, unit]) => {
    const text = `${number}${unit}`
    assert.deepStrictEqual(Calendar.parseSince(text, now), Option.some(now - number * units[unit]))
    assert.deepStrictEqual(Calendar.parseUntil(text, now), Option.some(now + number * units[unit]))
  })

  it.prop("a timestamp is itself, and an end must be later than now", [Time, Time], ([now, time]) => {
    const text = iso(time)
    assert.deepStrictEqual(Calendar.parseSince(text, now), Option.some(time))
    assert.deepStrictEqual(Calendar.parseUntil(text, now), time > now ? Option.some(time) : Option.none())
  })
})
