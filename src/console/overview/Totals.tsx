/**
 * The totals of the range, each with its change from the compared range. The chart shows the chosen metric.
 *
 * @module
 */
import type { Metric } from "../Address.ts"
import * as Format from "../Format.ts"
import { go } from "../Location.ts"
import { Icon } from "../parts/Icon.tsx"
import * as Texts from "../Texts.ts"
import type { Report, Row } from "./Queries.ts"
import * as Queries from "./Queries.ts"

/** The value of a metric in the range, and in the compared range if there is one. */
export interface Total {
  readonly metric: Metric
  readonly value: Format.MetricValue | undefined
  /** Undefined without a compared range; null if the metric has no value there, because there were no visits. */
  readonly before: Format.MetricValue | null | undefined
  readonly change: number | null
  /** Why there is no value. */
  readonly note?: string
}

export const totalOf = (metric: Metric, row: Row | undefined, index: number): Total => {
  const before = row?.comparison?.metrics
  const hadVisits = Format.toNumber(before?.[Queries.totalMetrics.indexOf("visits")]) > 0
  return {
    metric,
    value: row?.metrics[index],
    before: before === undefined ? undefined : Queries.isAverage(metric) && !hadVisits ? null : before[index],
    change: row?.comparison?.change[index] ?? null
  }
}

/** The revenue, if there is any in the range or in the compared one. */
export const revenueOf = (report: Report | undefined): ReadonlyArray<Total> => {
  const place = report?.query.metrics.indexOf("total_revenue") ?? -1
  if (place === -1) return []
  const { before, ...total } = totalOf("total_revenue", report?.results[0], place)
  if (report?.meta.metric_warnings !== undefined) return [{ ...total, before, note: Texts.currencies }]
  return total.value === null && (before ?? null) === null ? [] : [{ ...total, before: before === null ? 0 : before }]
}

const beforeText = ({ before, metric }: Total): string =>
  Texts.comparison.before(Format.metric(metric, before ?? 0, true))

/** Whether a change says something: it does not if it is from zero. */
const isTelling = ({ before, change }: Total): boolean =>
  before !== null && Format.toNumber(before) !== 0 && change !== null && change !== 0

/** A change, or the compared value where a change would be misleading: from zero. */
export const Change = (total: Total) => {
  const { before, change, metric, value } = total
  if (before === undefined) return null
  if (before === null) return <span class="change">{Texts.comparison.noVisits}</span>
  if (change === 0 || (Format.toNumber(before) === 0 && Format.toNumber(value) === 0)) {
    return <span class="change">{Texts.comparison.same}</span>
  }
  if (change === null || !isTelling(total)) return <span class="change">{beforeText(total)}</span>
  const isGood = change * Format.direction(metric) > 0
  const size = Format.change(metric, change)
  return (
    <span class={`change ${isGood ? "good" : "bad"}`} title={beforeText(total)}>
      <Icon name={change > 0 ? "up" : "down"} />
      <span aria-hidden="true">{size}</span>
      <span class="sr-only">{change > 0 ? Texts.comparison.more(size) : Texts.comparison.fewer(size)}</span>
    </span>
  )
}

interface Props {
  readonly totals: ReadonlyArray<Total>
  readonly scope: Queries.Scope
  readonly isStale: boolean
}

export const Totals = ({ isStale, scope: { address }, totals }: Props) => (
  <ul class={`totals ${isStale ? "stale" : ""}`}>
    {totals.map((total) => {
      const { metric, note, value } = total
      return (
        <li key={metric}>
          <button
            type="button"
            class="total"
            aria-pressed={metric === address.metric}
            title={note ?? Texts.metricNotes[metric]}
            onClick={() => go({ metric })}
          >
            <span class="label">{Texts.metric(metric, Queries.countsLeads(address))}</span>
            {value === undefined && note === undefined ? (
              <span class="figure skeleton">0,000</span>
            ) : (
              <span class="figure">{Format.metric(metric, value, true)}</span>
            )}
            <span class="below">
              {value !== undefined && value !== null && <Change {...total} />}
              {isTelling(total) && <span class="muted">{beforeText(total)}</span>}
            </span>
          </button>
        </li>
      )
    })}
  </ul>
)
