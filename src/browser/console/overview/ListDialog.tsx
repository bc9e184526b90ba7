/**
 * A whole list, with more columns and a search.
 *
 * @module
 */

import { useEffect, useState } from "preact/hooks"
import { type Dimension, toggle } from "../Address.ts"
import * as Format from "../Format.ts"
import { go } from "../Location.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { save } from "../parts/Download.ts"
import { Icon } from "../parts/Icon.tsx"
import { Problem } from "../parts/Problem.tsx"
import { Search } from "../parts/Search.tsx"
import * as Texts from "../Texts.ts"
import * as Queries from "./Queries.ts"
import { loadReport, useReport } from "./Statistics.ts"
import * as TableFile from "./TableFile.ts"

const pageRows = 100

/** Milliseconds without a key before a search is sent. */
const pause = 250

export const ListDialog = ({ dimension, scope }: { readonly dimension: Dimension; readonly scope: Queries.Scope }) => {
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

  const query = Queries.list(scope, dimension, { limit, search, isWhole: true }, Date.now())
  const { failure, isStale, value } = useReport(query, `${scope.siteId} ${dimension}`)
  const metrics = Queries.listMetrics(dimension, true)
  const [problem, setProblem] = useState<string>()
  /** Saves all rows of the search, whether they are shown or not. */
  const exportAll = async () => {
    const { pagination: _, ...all } = query
    const outcome = await loadReport(all, scope.address.share !== null)
    setProblem(outcome.ok ? undefined : Texts.failureText(outcome.failure))
    if (outcome.ok) save(TableFile.of(dimension, metrics, outcome.value), `${dimension.replace(/^.*:/, "")}.csv`)
  }
  const close = () => go({ list: null }, { replace: true })

  return (
    <Dialog title={Texts.tabs[dimension] ?? Texts.dimension(dimension)} onClose={close} isWide>
      <div class="find">
        <Search label={Texts.lists.find} value={typed} onInput={setTyped} isFocused />
        <button type="button" class="button" disabled={value === undefined} onClick={exportAll}>
          <Icon name="export" />
          {Texts.lists.export}
        </button>
      </div>
      {problem !== undefined && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <div class={`scroll ${isStale ? "stale" : ""}`} tabIndex={0} aria-busy={isStale || value === undefined}>
        <table>
          <thead>
            <tr>
              <th scope="col">{Texts.dimension(dimension)}</th>
              {metrics.map((metric) => (
                <th key={metric} scope="col" class="number">
                  {Texts.column(dimension, metric)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {value?.results.map(({ dimensions: [name = ""], metrics: cells }) => (
              <tr key={name}>
                <th scope="row">
                  <button
                    type="button"
                    class="link"
                    onClick={() => go({ filters: toggle(scope.address, dimension, name), list: null })}
                  >
                    <bdi>{Format.value(dimension, name)}</bdi>
                  </button>
                </th>
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
        {value === undefined && failure !== undefined && <Problem failure={failure} />}
        {value !== undefined && value.results.length < (value.meta.total_rows ?? 0) && (
          <button type="button" class="button" onClick={() => setLimit(limit + pageRows)}>
            {Texts.lists.more}
          </button>
        )}
      </div>
    </Dialog>
  )
}
