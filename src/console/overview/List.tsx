/**
 * The first values of some dimensions by the chosen metric, with a tab for each dimension. A click on a row filters the page.
 *
 * @module
 */
import { useId } from "preact/hooks"
import { type Dimension, type Listed, type Metric, toggle } from "../Address.ts"
import * as Format from "../Format.ts"
import { go, useAddress } from "../Location.ts"
import { Mark } from "../parts/Mark.tsx"
import { Problem } from "../parts/Message.tsx"
import { Select } from "../parts/Select.tsx"
import * as Texts from "../Texts.ts"
import type { Row } from "./Queries.ts"
import * as Queries from "./Queries.ts"
import { useReport } from "./Statistics.ts"
import type { Total } from "./Totals.tsx"

/** The maximum number of rows, unless the whole list is opened. */
const maxRows = 8

interface RowProps {
  readonly dimension: Dimension
  readonly metrics: ReadonlyArray<Metric>
  readonly row: Row
  /** The largest value of the list. */
  readonly max: number
  /** The total of the only metric, of which the row shows its share. Undefined if there are several metrics. */
  readonly all: number | undefined
}

const ListRow = ({ all, dimension, max, metrics, row }: RowProps) => {
  const address = useAddress()
  const { filters } = address
  const [name = ""] = row.dimensions
  const isFiltered = filters.some(
    (filter) => filter.dimension === dimension && filter.operator === "is" && filter.values.includes(name)
  )
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
        <span
          class="share-bar"
          ref={(element) => element?.style.setProperty("inline-size", `${max === 0 ? 0 : (100 * value) / max}%`)}
        />
        <Mark dimension={dimension} value={name} />
        <span class="name" dir="auto">
          {Format.value(dimension, name)}
        </span>
        {all !== undefined && <span class="share">{Format.share(row.metrics[0], all)}</span>}
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

/** The tabs of a list. The first one is open if no tab is chosen. */
export type Tabs = readonly [Listed, ...ReadonlyArray<Listed>]

export interface Props {
  readonly all: Tabs
  /** The title of a list whose tabs are a menu, because there can be many. */
  readonly title?: string
  readonly scope: Queries.Scope
  /** The totals of the range, of which rows show their shares. */
  readonly totals: ReadonlyArray<Total>
}

export const List = ({ all, scope, title, totals }: Props) => {
  const id = useId()
  const { address } = scope
  const tabs = Queries.tabsFor(all, scope)
  const listed = tabs.find((candidate) => address.tabs.includes(candidate)) ?? tabs[0]!
  const query = Queries.list(scope, listed, { limit: maxRows }, Date.now())
  const [dimension] = query.dimensions
  const { failure, isStale, value } = useReport(query, `${scope.siteId} ${listed}`)
  // While another metric loads, the rows still have the one before.
  const metrics = value?.query.metrics ?? []
  // A row without revenue has no amount.
  const rows = value?.results.filter(({ metrics }) => metrics[0] !== null) ?? []
  const isCut = (value?.meta.total_rows ?? 0) > maxRows
  const max = Math.max(...rows.map(({ metrics }) => Format.toNumber(metrics[0])), 0)
  const total =
    metrics.length > 1 ? undefined : Format.toNumber(totals.find(({ metric }) => metric === metrics[0])?.value)
  const countsLeads = Queries.countsLeads(address)

  const choose = (chosen: Listed) => {
    const others = address.tabs.filter((tab) => !all.includes(tab))
    go({ tabs: chosen === tabs[0] ? others : [...others, chosen] }, { replace: true })
  }

  return (
    <section class="card list" aria-labelledby={`${id}-${listed}`}>
      <header>
        {title === undefined ? (
          <h2 class="tabs">
            {tabs.map((candidate) => (
              <button
                type="button"
                key={candidate}
                id={`${id}-${candidate}`}
                aria-pressed={candidate === listed}
                onClick={() => choose(candidate)}
              >
                <span data-text={Texts.tab(candidate)}>{Texts.tab(candidate)}</span>
              </button>
            ))}
          </h2>
        ) : (
          <div class="tabs">
            <h2 id={`${id}-${listed}`}>{title}</h2>
            <Select
              aria-labelledby={`${id}-${listed}`}
              value={listed}
              choices={tabs.map((candidate) => [candidate, Texts.tab(candidate)])}
              onChoose={choose}
            />
          </div>
        )}
        {rows.length > 0 && (
          <button
            type="button"
            class="button bare"
            aria-label={(isCut ? Texts.lists.allOf : Texts.lists.detailsOf)(Texts.tab(listed))}
            onClick={() => go({ list: listed })}
          >
            {isCut ? Texts.lists.all : Texts.lists.details}
          </button>
        )}
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
            {address.share === null
              ? `${Texts.lists.none} ${Texts.lists.noneOf[listed] ?? ""}`
              : Texts.lists.noneForGuests}
          </p>
        ) : (
          <>
            <p class="columns" aria-hidden="true">
              {metrics.map((metric) => (
                <span key={metric} class="number">
                  {Texts.column(query.dimensions, metric, countsLeads)}
                </span>
              ))}
            </p>
            <ul class="rows">
              {rows.map((row) => (
                <ListRow
                  key={row.dimensions[0]}
                  dimension={dimension}
                  metrics={metrics}
                  row={row}
                  max={max}
                  all={total}
                />
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  )
}
