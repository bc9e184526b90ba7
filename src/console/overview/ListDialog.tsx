/**
 * A whole list, with more columns, a search, a second dimension that splits its rows, and an export.
 *
 * @module
 */

import { useEffect, useId, useState } from "preact/hooks"
import * as Dimensions from "../../analytics/reports/Dimensions.ts"
import { type Dimension, type Listed, toggle } from "../Address.ts"
import * as Format from "../Format.ts"
import { go } from "../Location.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { save } from "../parts/Download.ts"
import { messageOf } from "../parts/FailureText.ts"
import { Icon } from "../parts/Icon.tsx"
import { Alert, Problem, useFailures } from "../parts/Message.tsx"
import { Search } from "../parts/Search.tsx"
import { Select } from "../parts/Select.tsx"
import * as Texts from "../Texts.ts"
import * as Queries from "./Queries.ts"
import { loadReport, useReport } from "./Statistics.ts"
import * as TableFile from "./TableFile.ts"

const pageRows = 100

/** How long the search must be unchanged before it is sent, in milliseconds. */
const pause = 250

/** The dimensions that can split a list. The lists of a shared dashboard cannot be split. */
const splits = Object.keys(Dimensions.all) as ReadonlyArray<Dimension>

interface SplitProps {
  readonly listed: Dimension
  readonly split: Dimension | null
}

const Split = ({ listed, split }: SplitProps) => {
  const id = useId()
  const others = splits.filter((candidate) => candidate !== listed)
  return (
    <div class="split">
      <label for={id}>{Texts.lists.split}</label>
      <Select
        id={id}
        value={split ?? ""}
        choices={[
          ["", Texts.lists.notSplit],
          ...others.map((candidate) => [candidate, Texts.dimension(candidate)] as const)
        ]}
        onChoose={(chosen) => go({ split: chosen === "" ? null : chosen }, { replace: true })}
      />
    </div>
  )
}

interface Props {
  readonly listed: Listed
  readonly scope: Queries.Scope
  /** The website's name. */
  readonly website: string
}

export const ListDialog = ({ listed, scope, website }: Props) => {
  const [typed, setTyped] = useState("")
  const [search, setSearch] = useState("")
  const [limit, setLimit] = useState(pageRows)
  useEffect(() => {
    const wait = setTimeout(() => {
      setSearch(typed)
      setLimit(pageRows)
    }, pause)
    return () => clearTimeout(wait)
  }, [typed])

  const isShared = scope.address.share !== null
  const split = isShared ? null : scope.address.split
  const query = Queries.list(scope, listed, { limit, search, split, withAllMetrics: true }, Date.now())
  const { dimensions, metrics } = query
  const tab = Texts.tab(listed)
  const title = split === null ? tab : Texts.lists.splitTitle(tab, Texts.dimension(split))
  const { failure, isStale, value } = useReport(query, `${scope.siteId} ${listed} ${split}`)
  const failures = useFailures()
  const [problem, setProblem] = useState<string>()
  /** Saves all rows that match the search, including those that are not shown, up to the API's maximum number. */
  const exportAll = async () => {
    const { pagination: _, ...all } = query
    const outcome = await loadReport(all, isShared)
    if (!outcome.ok) return setProblem(isShared ? failures[outcome.failure.kind] : messageOf(outcome.failure))
    const { meta, results } = outcome.value
    const total = meta.total_rows ?? 0
    setProblem(total > results.length ? Texts.lists.cut(Format.count(results.length), Format.count(total)) : undefined)
    const days = new Set(outcome.value.query.date_range)
    save(TableFile.of(dimensions, metrics, outcome.value), TableFile.nameOf([website, title, ...days]))
  }
  const close = () => go({ list: null }, { replace: true })

  return (
    <Dialog title={title} onClose={close} isWide>
      <div class="find">
        <Search label={Texts.lists.find} value={typed} onInput={setTyped} focusOnOpen />
        {!isShared && <Split listed={dimensions[0]} split={split} />}
        <button type="button" class="button" disabled={value === undefined} onClick={exportAll}>
          <Icon name="export" />
          {Texts.lists.export}
        </button>
      </div>
      <Alert text={problem} />
      <div class={`scroll ${isStale ? "stale" : ""}`} tabIndex={0} aria-busy={isStale || value === undefined}>
        <table>
          <thead>
            <tr>
              {dimensions.map((each) => (
                <th key={each} scope="col">
                  {Texts.dimension(each)}
                </th>
              ))}
              {metrics.map((metric) => (
                <th key={metric} scope="col" class="number">
                  {Texts.column(dimensions, metric, Queries.countsLeads(scope.address))}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {value?.results.map(({ dimensions: names, metrics: cells }) => (
              <tr key={JSON.stringify(names)}>
                {dimensions.map((each, place) => {
                  const name = names[place] ?? ""
                  return (
                    <th key={each} scope="row">
                      <button
                        type="button"
                        class="link"
                        onClick={() => go({ filters: toggle(scope.address, each, name), list: null })}
                      >
                        <bdi>{Format.value(each, name)}</bdi>
                      </button>
                    </th>
                  )
                })}
                {metrics.map((metric, place) => (
                  <td key={metric} class="number">
                    {Format.metric(metric, cells[place])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
        {value?.results.length === 0 && <p class="none">{Texts.lists.noMatch}</p>}
        {value === undefined && (failure === undefined ? <div class="loading" /> : <Problem failure={failure} />)}
        {value !== undefined && value.results.length < (value.meta.total_rows ?? 0) && (
          <button type="button" class="button" onClick={() => setLimit(limit + pageRows)}>
            {Texts.lists.more}
          </button>
        )}
      </div>
    </Dialog>
  )
}
