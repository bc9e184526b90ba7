/**
 * The points of the chart. Pure.
 *
 * @module
 */
import type { Interval } from "../Address.ts"
import * as Format from "../Format.ts"
import * as Texts from "../Texts.ts"
import type { Report } from "./Queries.ts"

export interface Point {
  /** A value of the time dimension. */
  readonly label: string
  /** Whether its time is not over yet. */
  readonly isUnfinished: boolean
  readonly value: Format.MetricValue
  /** The value at the same position in the compared range; undefined if there is none. */
  readonly before: Format.MetricValue | undefined
  readonly beforeLabel: string | undefined
  readonly change: number | null
}

/** The points of a report, including those without visits, which have no row. */
export const of = ({ meta, results }: Report): ReadonlyArray<Point> => {
  const rows = new Map(results.map((row) => [row.dimensions[0], row]))
  return (meta.time_labels ?? []).map((label) => {
    const row = rows.get(label)
    return {
      label,
      isUnfinished: meta.partial_time_labels?.includes(label) ?? false,
      value: row?.metrics[0] ?? 0,
      before: row?.comparison?.metrics[0],
      // The compared range can have fewer weeks or months.
      beforeLabel: row?.comparison?.dimensions[0] || undefined,
      change: row?.comparison?.change[0] ?? null
    }
  })
}

/** The time of a point, for people. */
export const title = (interval: Interval, { isUnfinished, label }: Point): string =>
  isUnfinished ? Texts.chart.soFar(Format.longLabel(interval, label)) : Format.longLabel(interval, label)

/** How many of the last points are in the future: the remaining hours of today. */
export const futureCount = (points: ReadonlyArray<Point>, interval: Interval, now: string): number =>
  interval === "time:hour" ? points.filter(({ label }) => label > now).length : 0

/** The indexes of the labels to draw. There are `count` labels of `width` pixels each, in a row of `space` pixels. */
export const ticks = (count: number, space: number, width: number): ReadonlyArray<number> => {
  const maxLabels = Math.max(2, Math.floor(space / width))
  const steps = [1, 2, 3, 4, 6, 7, 12, 14, 24, 28, 48, 60, 90, 120, 180, 365]
  const step = steps.find((step) => Math.ceil(count / step) <= maxLabels) ?? Math.ceil(count / maxLabels)
  return Array.from({ length: Math.ceil(count / step) }, (_, index) => index * step)
}

/** The y values that are drawn: at most five round ones from 0. */
export const levels = (max: number, isDuration: boolean): ReadonlyArray<number> => {
  const rounds = isDuration ? [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600] : [1, 2, 5]
  const wanted = Math.max(max, 1) / 4
  const step =
    rounds.find((round) => isDuration && round >= wanted) ??
    (() => {
      const power = 10 ** Math.floor(Math.log10(wanted))
      return Math.max(1, (rounds.find((round) => !isDuration && round * power >= wanted) ?? 10) * power)
    })()
  const count = Math.max(1, Math.ceil(max / step))
  return Array.from({ length: count + 1 }, (_, index) => index * step)
}
