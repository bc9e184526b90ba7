/**
 * The chosen metric over time: as a chart, or as a table.
 *
 * @module
 */
import { useMemo, useState } from "preact/hooks"
import type { Days, Interval, Metric } from "../Address.ts"
import * as Calendar from "../Calendar.ts"
import * as Format from "../Format.ts"
import { go } from "../Location.ts"
import { Problem } from "../parts/Message.tsx"
import * as Texts from "../Texts.ts"
import { Chart } from "./Chart.tsx"
import * as Points from "./Points.ts"
import * as Queries from "./Queries.ts"
import { useReport } from "./Statistics.ts"

interface TableProps {
  readonly metric: Metric
  /** The name of the metric. */
  readonly heading: string
  readonly interval: Interval
  readonly points: ReadonlyArray<Points.Point>
}

/** The chart as a table. */
const ChartTable = ({ heading, interval, metric, points }: TableProps) => {
  const isCompared = points.some(({ before }) => before !== undefined)
  const name = Texts.chart.name(heading, Texts.chart.intervals[interval])
  return (
    <section class="scroll chart-table" tabIndex={0} aria-label={name}>
      <table>
        <caption class="sr-only">{name}</caption>
        <thead>
          <tr>
            <th scope="col">{Texts.chart.when}</th>
            <th scope="col" class="number">
              {heading}
            </th>
            {isCompared && (
              <th scope="col" class="number">
                {Texts.chart.before}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {points.toReversed().map((point) => (
            <tr key={point.label}>
              <th scope="row">{Points.title(interval, point)}</th>
              <td class="number">{Format.metric(metric, point.value)}</td>
              {isCompared && <td class="number muted">{Format.metric(metric, point.before)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

interface Props {
  readonly scope: Queries.Scope
  readonly days: Days
  /** The days with which the totals are compared; undefined without a comparison. */
  readonly compared: Days | undefined
}

export const Series = ({ compared, days, scope }: Props) => {
  const [isTable, setTable] = useState(false)
  const { interval: chosen, metric } = scope.address
  const count = Calendar.countDays(days)
  const intervals = Calendar.intervalsOf(count)
  const interval = chosen !== null && intervals.includes(chosen) ? chosen : Calendar.defaultInterval(count)
  const query = Queries.series(scope, interval, Date.now())
  const { failure, isStale, value } = useReport(query, `${scope.siteId} ${metric} ${interval}`)
  const points = useMemo(() => (value === undefined ? [] : Points.of(value)), [value])
  const isUnfinished = points.some((point) => point.isUnfinished)
  const futureCount = Points.futureCount(points, interval, Calendar.hour(Date.now(), scope.timeZone))

  const open = (first: number, last: number) => {
    const [from, to] = [points[first], points[last]]
    if (from === undefined || to === undefined || count === 1) return
    const range = [
      Calendar.daysOf(interval, from.label, days)[0],
      Calendar.daysOf(interval, to.label, days)[1]
    ] as const
    if (range[0] !== days[0] || range[1] !== days[1]) go({ range, interval: null })
  }

  const name = Texts.metric(metric, Queries.countsLeads(scope.address))
  return (
    <section class="series" aria-label={name}>
      <div class="series-options">
        <ul class="legend">
          <li>
            <i class="key" />
            {Format.days(days)}
          </li>
          {compared !== undefined && (
            <li class="muted">
              <i class="key key-before" />
              {Format.days(compared)}
            </li>
          )}
        </ul>
        {intervals.length > 1 && (
          <fieldset class="segments">
            <legend class="sr-only">{Texts.chart.interval}</legend>
            {intervals.map((candidate) => (
              <button
                type="button"
                key={candidate}
                aria-pressed={candidate === interval}
                onClick={() => go({ interval: candidate }, { replace: true })}
              >
                {Texts.chart.intervals[candidate]}
              </button>
            ))}
          </fieldset>
        )}
        <button type="button" class="button bare" onClick={() => setTable(!isTable)}>
          {isTable ? Texts.chart.chart : Texts.chart.table}
        </button>
      </div>
      {compared !== undefined && days[1] === Calendar.today(Date.now(), scope.timeZone) && (
        <p class="note">
          {Texts.comparison.untilSameTime(Format.days(compared), count === 1)}
          {interval === "time:hour" && query !== null && ` ${Texts.comparison.allHours[isTable ? "table" : "chart"]}`}
        </p>
      )}
      <div class={`plot-area ${isStale ? "stale" : ""}`} aria-busy={isStale || (value === undefined && query !== null)}>
        {query === null ? (
          <p class="none">{Texts.leadsNeedVisit}</p>
        ) : value === undefined ? (
          failure !== undefined && failure.kind !== "offline" && <Problem failure={failure} />
        ) : isTable ? (
          <ChartTable
            metric={metric}
            heading={name}
            interval={interval}
            points={points.slice(0, points.length - futureCount)}
          />
        ) : (
          <Chart
            metric={metric}
            name={name}
            interval={interval}
            points={points}
            futureCount={futureCount}
            isUnfinished={isUnfinished}
            onOpen={scope.address.share === null ? open : undefined}
          />
        )}
      </div>
    </section>
  )
}
