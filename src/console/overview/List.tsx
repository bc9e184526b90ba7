/**
 * The most frequent values of some dimensions, with a tab for each dimension. A click on a row filters the page.
 *
 * @module
 */

import { useId } from "preact/hooks"
import { type Dimension, toggle } from "../Address.ts"
import * as Format from "../Format.ts"
import { go, useAddress } from "../Location.ts"
import { Problem } from "../parts/Message.tsx"
import * as Texts from "../Texts.ts"
import * as Queries from "./Queries.ts"
import type { Row } from "./Report.ts"
import { useReport } from "./Statistics.ts"

/** The maximum number of rows, unless the whole list is opened. */
const maxRows = 8

interface RowProps {
  readonly dimension: Dimension
  readonly row: Row
  /** The largest value of the list. */
  readonly max: number
  /** The number of visitors in the range, of which the row shows its share. */
  readonly all: number
}

const ListRow = ({ all, dimension, max, row }: RowProps) => {
  const address = useAddress()
  const { filters } = address
  const [name = ""] = row.dimensions
  const isFiltered = filters.some(
    (filter) => filter.dimension === dimension && filter.operator === "is" && filter.values.includes(name)
  )
  const metrics = Queries.listMetrics([dimension], false)
  const value = Format.toNumber(row.metrics[0])
  return (
    <li>
      <button
        type="button"
        class="row"
        aria-pressed={isFiltered}
        title={Texts.lists.filterBy(Texts.dimension(dimension), Format.value(dimension, name))}
        onClick={() => go({ filters: toggle(address, dimension, name) })}
      >
        <span class="name">
          <span
            class="share-bar"
            ref={(element) => element?.style.setProperty("inline-size", `${max === 0 ? 0 : (100 * value) / max}%`)}
          />
          <bdi>{Format.value(dimension, name)}</bdi>
        </span>
        {metrics.length === 1 && <span class="share">{Format.share(row.metrics[0], all)}</span>}
        {metrics.map((metric, place) => (
          <span key={metric} class="number">
            {Format.metric(metric, row.metrics[place], true)}
          </span>
        ))}
      </button>
    </li>
  )
}

const Skeleton = () => (
  <ul class="rows" aria-hidden="true">
    {Array.from({ length: maxRows }, (_, index) => (
      <li key={index} class="row">
        <span class={`skeleton skeleton-${index % 4}`}>&nbsp;</span>
      </li>
    ))}
  </ul>
)

interface Props {
  /** The first one is open if no tab is chosen. */
  readonly dimensions: readonly [Dimension, ...ReadonlyArray<Dimension>]
  readonly scope: Queries.Scope
  /** The visitors of the range; undefined while they are not loaded. */
  readonly visitors: number | undefined
  readonly isWide?: boolean
}

export const List = ({ dimensions, isWide, scope, visitors }: Props) => {
  const id = useId()
  const { tabs } = scope.address
  const dimension = dimensions.find((candidate) => tabs.includes(candidate)) ?? dimensions[0]
  const query = Queries.list(scope, [dimension], { limit: maxRows }, Date.now())
  const { failure, isStale, value } = useReport(query, `${scope.siteId} ${dimension}`)
  const rows = value?.results ?? []
  const metrics = Queries.listMetrics([dimension], false)
  const tab = Texts.tabs[dimension] ?? ""
  const isCut = (value?.meta.total_rows ?? 0) > maxRows
  const max = Math.max(...rows.map(({ metrics }) => Format.toNumber(metrics[0])), 0)

  const choose = (chosen: Dimension) => {
    const others = tabs.filter((tab) => !dimensions.includes(tab))
    go({ tabs: chosen === dimensions[0] ? others : [...others, chosen] }, { replace: true })
  }

  return (
    <section class={`list ${isWide ? "wide-list" : ""}`} aria-labelledby={`${id}-${dimension}`}>
      <header>
        <h2 class="tabs">
          {dimensions.map((candidate) => (
            <button
              type="button"
              key={candidate}
              id={`${id}-${candidate}`}
              aria-pressed={candidate === dimension}
              onClick={() => choose(candidate)}
            >
              {Texts.tabs[candidate]}
            </button>
          ))}
        </h2>
        <span class="columns" aria-hidden="true">
          {metrics.map((metric) => (
            <span key={metric} class="number">
              {Texts.column([dimension], metric)}
            </span>
          ))}
        </span>
      </header>
      <div class={`body ${isStale ? "stale" : ""}`} aria-busy={isStale || value === undefined}>
        {value === undefined ? (
          failure === undefined || failure.kind === "offline" ? (
            <Skeleton />
          ) : (
            <Problem failure={failure} />
          )
        ) : rows.length === 0 ? (
          <p class="none">
            {scope.address.share === null
              ? `${Texts.lists.none} ${Texts.lists.noneOf[dimension] ?? ""}`
              : Texts.lists.noneForGuests}
          </p>
        ) : (
          <ul class="rows">
            {rows.map((row) => (
              <ListRow key={row.dimensions[0]} dimension={dimension} row={row} max={max} all={visitors ?? max} />
            ))}
          </ul>
        )}
      </div>
      <footer>
        {rows.length > 0 && (
          <button
            type="button"
            class="button bare"
            aria-label={isCut ? Texts.lists.allOf(tab) : Texts.lists.detailsOf(tab)}
            onClick={() => go({ list: dimension })}
          >
            {isCut ? Texts.lists.all : Texts.lists.details}
          </button>
        )}
      </footer>
    </section>
  )
}
