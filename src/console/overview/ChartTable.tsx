/**
 * The chart as a table.
 *
 * @module
 */
import type { Interval, Metric } from "../Address.ts"
import * as Format from "../Format.ts"
import * as Texts from "../Texts.ts"
import * as Points from "./Points.ts"

interface Props {
  readonly metric: Metric
  readonly interval: Interval
  readonly points: ReadonlyArray<Points.Point>
}

export const ChartTable = ({ interval, metric, points }: Props) => {
  const isCompared = points.some(({ before }) => before !== undefined)
  const name = Texts.chart.name(Texts.metrics[metric], Texts.chart.intervals[interval])
  return (
    <section class="scroll chart-table" tabIndex={0} aria-label={name}>
      <table>
        <caption class="sr-only">{name}</caption>
        <thead>
          <tr>
            <th scope="col">{Texts.chart.when}</th>
            <th scope="col" class="number">
              {Texts.metrics[metric]}
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
