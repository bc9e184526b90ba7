/**
 * Compares the processor time per request of two revisions. Pure.
 *
 * @module
 */
import { format } from "./Measure.ts"
import * as Statistics from "./Statistics.ts"
import { table } from "./Table.ts"
import type { Cost } from "./Wrk.ts"

/** Two loads that ran one directly after the other, so that a slower machine affects both. */
export interface Pair {
  readonly current: Cost
  readonly baseline: Cost
}

/** The endpoints that can be compared. */
export const endpoints = ["views", "events", "forms", "chat"] as const
export type Endpoint = (typeof endpoints)[number]

/** All loads of one endpoint. */
export interface Measured {
  /** The name of one request, such as "page view". */
  readonly request: string
  readonly pairs: ReadonlyArray<Pair>
}

/** Differences up to this factor are tolerated. */
const tolerated = 1.03

const confidence = 0.95

export interface Judgement {
  /** The processor time of a request, current over baseline: the median of the pairs. */
  readonly ratio: number
  /** A confidence interval (95 %) for the ratio. */
  readonly interval: Statistics.Interval
  /**
   * "more" and "less": the interval excludes 1 and the ratio is outside the tolerance. "same": the interval lies within the
   * tolerance. "unclear": neither; more rounds narrow the interval.
   */
  readonly verdict: "more" | "less" | "same" | "unclear"
}

const total = ({ own, postgres }: Cost): number => own + postgres

/** Judges an endpoint. It works on logarithms, so that exchanging the revisions inverts the ratio exactly. */
export const judge = (pairs: ReadonlyArray<Pair>): Judgement => {
  const logarithms = pairs.map(({ baseline, current }) => Math.log(total(current) / total(baseline)))
  const ratio = Math.exp(Statistics.median(logarithms))
  const { high, low } = Statistics.medianInterval(logarithms, confidence)
  const interval = { low: Math.exp(low), high: Math.exp(high) }
  const verdict =
    low > 0 && ratio > tolerated
      ? "more"
      : high < 0 && ratio < 1 / tolerated
        ? "less"
        : interval.low >= 1 / tolerated && interval.high <= tolerated
          ? "same"
          : "unclear"
  return { ratio, interval, verdict }
}

const range = ({ high, low }: Statistics.Interval): string => `${low.toFixed(3)} to ${high.toFixed(3)}`

const sentences = {
  more: "costs MORE",
  less: "costs less",
  same: "costs the same (within 3 %)",
  unclear: "no clear difference (more --rounds narrow the range)"
}

/** The table: a row for each endpoint and revision, medians of all loads. */
const tableOf = (
  measured: ReadonlyArray<Measured>,
  revisions: { readonly current: string; readonly baseline: string }
) =>
  table(
    ["request", "revision", "requests/s", "own µs", "PostgreSQL µs", "together µs", "ratio", "95 % range"],
    measured.flatMap(({ pairs, request }) => {
      const { interval, ratio } = judge(pairs)
      return (["current", "baseline"] as const).map((side) => {
        const median = (value: (cost: Cost) => number) =>
          format(Statistics.median(pairs.map((pair) => value(pair[side]))))
        return [
          request,
          revisions[side],
          median(({ perSecond }) => perSecond),
          median(({ own }) => own),
          median(({ postgres }) => postgres),
          median(total),
          ...(side === "current" ? [ratio.toFixed(3), range(interval)] : ["", ""])
        ]
      })
    })
  )

/** The table and one verdict for each endpoint, and whether any endpoint costs more. */
export const report = (
  measured: ReadonlyArray<Measured>,
  revisions: { readonly current: string; readonly baseline: string }
): { readonly text: string; readonly costsMore: boolean } => {
  const judged = measured.map(({ pairs, request }) => ({ request, ...judge(pairs) }))
  const lines = judged.map(
    ({ interval, ratio, request, verdict }) =>
      `${request}: ${sentences[verdict]}: ${ratio.toFixed(3)} times the processor time of ${revisions.baseline} (${range(interval)})`
  )
  return {
    text: [tableOf(measured, revisions), lines.join("\n")].join("\n\n"),
    costsMore: judged.some(({ verdict }) => verdict === "more")
  }
}
