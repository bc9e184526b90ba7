/**
 * Formats numbers, durations, dates and names for people. Pure.
 *
 * @module
 */
import type { Days, Dimension, Interval, Metric, Range } from "./Address.ts"
import type { Answer } from "./Requests.ts"
import * as Texts from "./Texts.ts"

const relative = new Intl.RelativeTimeFormat(Texts.language, { numeric: "auto", style: "long" })

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1]
] as const

/** Such as `in 10 minutes`, rounded up. */
export const until = (seconds: number): string => {
  const [unit, size] = units.find(([, size]) => seconds > size) ?? (["second", 1] as const)
  return relative.format(Math.ceil(seconds / size), unit)
}

/** Such as `12 seconds ago`. */
export const ago = (time: string, now: number): string => {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000))
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? (["second", 1] as const)
  return relative.format(-Math.floor(seconds / size), unit)
}

export type MetricValue = Answer<
  "POST /v1/owner/query" | "POST /v1/owner/shared/query"
>["results"][number]["metrics"][number]

/** A count from 1 to 4 on a shared dashboard, and the value at which it is drawn. */
const hidden = "<5"
const drawnHidden = 2

const whole = new Intl.NumberFormat(Texts.language, { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat(Texts.language, { notation: "compact", maximumSignificantDigits: 3 })
const decimal = new Intl.NumberFormat(Texts.language, { maximumFractionDigits: 2 })

export const count = (value: number): string => whole.format(value)

/** All digits below 100,000, otherwise three digits: `12,345`, `1.23M`. */
export const shortCount = (value: number): string => (Math.abs(value) < 100_000 ? whole : short).format(value)

/** `47s`, `3m 5s`, `1h 12m`. */
export const duration = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds}s`
  if (minutes < 60) return `${minutes}m ${seconds % 60}s`
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

const inUnit = (unit: "millisecond" | "second") =>
  new Intl.NumberFormat(Texts.language, { maximumFractionDigits: 1, style: "unit", unit })

/** `412 ms`, `2.3 sec`. */
export const elapsed = (millis: number): string =>
  millis < 1000 ? inUnit("millisecond").format(millis) : inUnit("second").format(millis / 1000)

const percent = (value: number): string => `${decimal.format(value)}%`

const isRate = (metric: Metric): boolean => metric.endsWith("_rate")

/** A value as a number. An amount loses its currency. */
export const toNumber = (value: MetricValue | undefined): number =>
  value === hidden ? drawnHidden : typeof value === "number" ? value : (value?.value ?? 0)

export const metric = (name: Metric, value: MetricValue | undefined, isShort = false): string => {
  if (value === undefined || value === null) return "–"
  if (value === hidden) return Texts.hidden
  if (typeof value !== "number") return isShort ? value.short : value.long
  if (isRate(name)) return percent(value)
  if (name === "visit_duration") return duration(value)
  if (name === "views_per_visit") return decimal.format(value)
  return isShort ? shortCount(value) : count(value)
}

/** A label of the y axis. */
export const axis = (name: Metric, value: number): string =>
  isRate(name) ? percent(value) : name === "visit_duration" ? duration(Math.round(value)) : short.format(value)

/** A change without its sign: per cent, or percentage points of a rate. */
export const change = (name: Metric, value: number): string => {
  const size = Math.abs(value)
  const rounded = size < 10 && isRate(name) ? decimal.format(size) : shortCount(size)
  return isRate(name) ? `${rounded} ${rounded === "1" ? "pt" : "pts"}` : `${rounded}%`
}

/** 1 if a rise is good news, -1 if a fall is. */
export const direction = (name: Metric): 1 | -1 => (name === "bounce_rate" ? -1 : 1)

/** The share of a part in `all`, in per cent; empty if the part is hidden or `all` is 0. */
export const share = (of: MetricValue | undefined, all: number): string => {
  const part = toNumber(of)
  if (all === 0 || of === hidden) return ""
  const value = (100 * part) / all
  return value > 0 && value < 1 ? "<1%" : `${Math.round(value)}%`
}

const format = (options: Intl.DateTimeFormatOptions) =>
  new Intl.DateTimeFormat(Texts.language, { ...options, timeZone: "UTC" })

const dayShort = format({ day: "numeric", month: "short" })
const dayLong = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" })
const dayMiddle = format({ day: "numeric", month: "short", year: "numeric" })
const monthShort = format({ month: "short" })
const monthLong = format({ month: "long", year: "numeric" })
const hourShort = format({ hour: "numeric" })

const timeOf = (label: string): number => Date.parse(label.length === 10 ? label : `${label.replace(" ", "T")}Z`)

/** A value of a time dimension, for the x axis. */
export const shortLabel = (interval: Interval, label: string): string => {
  if (interval === "time:hour") return hourShort.format(timeOf(label))
  return interval === "time:month"
    ? label.slice(5, 7) === "01"
      ? label.slice(0, 4)
      : monthShort.format(timeOf(label))
    : dayShort.format(timeOf(label))
}

/** A value of a time dimension in full, such as with its year. */
export const longLabel = (interval: Interval, label: string): string => {
  switch (interval) {
    case "time:hour":
      return `${dayLong.format(timeOf(label.slice(0, 10)))}, ${hourShort.format(timeOf(label))}`
    case "time:day":
      return dayLong.format(timeOf(label))
    case "time:week":
      return dayMiddle.formatRange(timeOf(label), timeOf(label) + 6 * 86_400_000)
    default:
      return monthLong.format(timeOf(label))
  }
}

export const days = ([first, last]: Days): string =>
  first === last ? dayLong.format(timeOf(first)) : dayMiddle.formatRange(timeOf(first), timeOf(last))

export const range = (value: Range): string => (typeof value === "string" ? Texts.ranges[value] : days(value))

const time = new Intl.DateTimeFormat(Texts.language, { timeStyle: "short" })

const date = new Intl.DateTimeFormat(Texts.language, { dateStyle: "long" })

/** The day of a time, in the browser's zone. */
export const day = (millis: number): string => date.format(millis)

/** A time of today, in the browser's zone. */
export const clock = (millis: number): string => time.format(millis)

const formats = new Map<string, Intl.DateTimeFormat>()

/** A cached format: creating one is slow. */
const inZone = (timeZone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  const key = `${timeZone} ${JSON.stringify(options)}`
  const known = formats.get(key)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat(Texts.language, { ...options, timeZone })
  formats.set(key, made)
  return made
}

/** When something arrived, in a list: today a time, in the last 300 days a day, before that a date with its year. */
export const arrival = (time: string, facts: { readonly now: number; readonly timeZone: string }): string => {
  const dateOf = (millis: number) => inZone(facts.timeZone, { dateStyle: "short" }).format(millis)
  const millis = Date.parse(time)
  if (dateOf(millis) === dateOf(facts.now)) return inZone(facts.timeZone, { timeStyle: "short" }).format(millis)
  const isRecent = facts.now - millis < 300 * 86_400_000
  return inZone(facts.timeZone, {
    day: "numeric",
    month: "short",
    ...(isRecent ? {} : { year: "numeric" })
  }).format(millis)
}

/** A time of a day, to the second. */
export const second = (time: string, timeZone: string): string =>
  inZone(timeZone, { timeStyle: "medium" }).format(Date.parse(time))

/** A time of a day, to the minute. */
export const timeOfDay = (time: string, timeZone: string): string =>
  inZone(timeZone, { timeStyle: "short" }).format(Date.parse(time))

/** When something arrived, in a list of the latest: today to the second, before that with its day. */
export const latest = (time: string, facts: { readonly now: number; readonly timeZone: string }): string => {
  const dayOf = (millis: number) => inZone(facts.timeZone, { dateStyle: "short" }).format(millis)
  return dayOf(Date.parse(time)) === dayOf(facts.now) ? second(time, facts.timeZone) : dayAndTime(time, facts.timeZone)
}

/** A time with its day, without the year. */
export const dayAndTime = (time: string, timeZone: string): string =>
  inZone(timeZone, { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }).format(Date.parse(time))

/** A time that follows another: with its day if that is another day. */
export const following = (time: string, before: string, timeZone: string): string => {
  const dayOf = (text: string) => inZone(timeZone, { dateStyle: "short" }).format(Date.parse(text))
  return dayOf(time) === dayOf(before)
    ? inZone(timeZone, { timeStyle: "short" }).format(Date.parse(time))
    : dayAndTime(time, timeZone)
}

/** A time with its full date. */
export const moment = (time: string, timeZone: string): string =>
  inZone(timeZone, { dateStyle: "full", timeStyle: "short" }).format(Date.parse(time))

/** A form field's name as a label: `first_name` becomes `First name`. */
export const label = (name: string): string => {
  const words = name.replace(/[_-]+/g, " ").trim()
  return words === "" ? name : words[0]!.toUpperCase() + words.slice(1)
}

const regions = new Intl.DisplayNames(Texts.language, { type: "region", fallback: "code" })

const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"]

/** The codes of the countries whose names contain a text in lower case, and of the country whose code it is. */
const countriesWith = (part: string): ReadonlyArray<string> =>
  letters
    .flatMap((first) => letters.map((second) => first + second))
    .filter((code) => {
      const name = regions.of(code) ?? code
      return name !== code && (name.toLowerCase().includes(part) || code.toLowerCase() === part)
    })

/** Those values of a dimension that are shown under another name, if that name contains a text. See `value`. */
export const valuesShownWith = (dimension: Dimension, text: string): ReadonlyArray<string> => {
  const part = text.toLowerCase()
  if (!dimension.startsWith("visit:")) return []
  return [
    ...(dimension === "visit:country" ? countriesWith(part) : []),
    ...Object.keys(Texts.values).filter((name) => Texts.values[name]!.toLowerCase().includes(part))
  ]
}

/** A value of a dimension, for people. */
export const value = (dimension: Dimension, text: string): string => {
  if (dimension === "visit:country" && /^[A-Z]{2}$/.test(text)) return regions.of(text) ?? text
  return dimension.startsWith("visit:") && Object.hasOwn(Texts.values, text) ? Texts.values[text]! : text
}
