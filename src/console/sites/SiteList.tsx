/**
 * The websites of a session, each with its visitors of the last 30 days.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks"
import * as Address from "../Address.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, keepScroll, restoreScroll, useAddress } from "../Location.ts"
import { Change } from "../overview/Totals.tsx"
import { Icon } from "../parts/Icon.tsx"
import { PagedList } from "../parts/PagedList.tsx"
import { Search, useTyped } from "../parts/Search.tsx"
import type { Answer } from "../Requests.ts"
import { mapResource, type Resource, useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { NewSiteButton } from "./NewSiteButton.tsx"

const width = 120
const height = 32

/** The distance from the edges, so that the whole line, which is 1.5 pixels wide, is visible. */
const inset = 2

/** The points of the line, as an SVG attribute. Without visitors, it is in the middle, beside the number. Pure. */
const pointsOf = (values: ReadonlyArray<number>): string => {
  const max = Math.max(...values)
  const step = (width - 2 * inset) / Math.max(values.length - 1, 1)
  return values
    .map((value, index) => {
      const y = max === 0 ? height / 2 : height - inset - (value / max) * (height - 2 * inset)
      return `${(inset + index * step).toFixed(1)},${y.toFixed(1)}`
    })
    .join(" ")
}

const Sparkline = ({ values }: { readonly values: ReadonlyArray<number> }) => (
  <svg class="sparkline" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
    <polyline points={pointsOf(values)} />
  </svg>
)

/** A list of more websites has a search field. */
const maxWithoutSearch = 8

const sum = (values: ReadonlyArray<number>): number => values.reduce((total, value) => total + value, 0)

const Row = ({ site }: { readonly site: Site }) => {
  const [isSeen, setSeen] = useState(false)
  const row = useRef<HTMLLIElement>(null)
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true)
    })
    if (row.current !== null) observer.observe(row.current)
    return () => observer.disconnect()
  }, [])
  const { failure, value } = useAnswer(
    "POST /v1/owner/query",
    isSeen
      ? {
          body: {
            site_id: site.site_id,
            metrics: ["visitors"],
            date_range: "30d",
            dimensions: ["time:day"],
            include: { comparison: "previous_period", time_labels: true }
          }
        }
      : null,
    site.site_id
  )
  const isLoading = value === undefined && (failure === undefined || failure.kind === "offline")
  const results = value?.results ?? []
  const visitors = results.map(({ metrics }) => Format.toNumber(metrics[0]))
  const total = sum(visitors)
  const before = sum(results.map(({ comparison }) => Format.toNumber(comparison?.metrics[0])))
  return (
    <li ref={row}>
      <a
        class="site"
        href={Address.format({ ...Address.initial, site: site.site_id })}
        aria-busy={isLoading}
        onClick={keepScroll}
      >
        <b>
          <bdi>{site.name}</bdi>
        </b>
        {value === undefined ? (
          isLoading ? (
            <span class="skeleton sparkline" />
          ) : (
            <span class="number" title={failure && Texts.failures[failure.kind]}>
              {Format.metric("visitors", undefined)}
            </span>
          )
        ) : (
          <>
            <Sparkline values={visitors} />
            <span class="number">
              {Format.shortCount(total)} <span class="sr-only">{Texts.metrics.visitors}</span>
            </span>
            <span class="number">
              {total + before > 0 && (
                <Change
                  metric="visitors"
                  value={total}
                  before={before}
                  change={before === 0 ? null : Math.round((100 * (total - before)) / before)}
                />
              )}
            </span>
          </>
        )}
        <Icon name="next" />
      </a>
    </li>
  )
}

/** Keeps the search and the number of parts in the address, so that the browser's Back button restores them. */
const show = (search: string, parts: number): void =>
  go({ view: { ...(search !== "" && { search }), ...(parts > 1 && { parts: String(parts) }) } }, { replace: true })

interface Props {
  /** The first part of the list. */
  readonly first: Resource<Answer<"GET /v1/owner/sites">>
  /** Whether the person may create websites. */
  readonly canCreate: boolean
}

export const SiteList = ({ canCreate, first }: Props) => {
  const { view } = useAddress()
  const search = view["search"] ?? ""
  const [typed, setTyped] = useTyped(search, (search) => show(search, 1))
  const text = search.trim()
  const useItems = (cursor: string | undefined) => {
    const isFirst = cursor === undefined && text === ""
    const query = { ...(text !== "" && { search: text }), ...(cursor !== undefined && { cursor }) }
    const answer = useAnswer("GET /v1/owner/sites", isFirst ? null : { query }, "sites")
    return mapResource(isFirst ? first : answer, ({ next, sites }) => ({ items: sites, next }))
  }
  const hasSearch =
    first.value !== undefined && (first.value.next !== null || first.value.sites.length > maxWithoutSearch)
  return (
    <div class="site-list">
      <header>
        <div>
          <h1>{Texts.sites.title}</h1>
          <p class="muted">{Texts.sites.note}</p>
        </div>
        {canCreate && <NewSiteButton />}
      </header>
      {hasSearch && <Search label={Texts.sites.find} value={typed} onInput={setTyped} />}
      <PagedList<Site>
        key={text}
        class="sites-found"
        label={Texts.sites.title}
        more={Texts.sites.more}
        firstParts={Number.parseInt(view["parts"] ?? "", 10) || 1}
        onShown={restoreScroll}
        onMore={(parts) => show(search, parts)}
        useItems={useItems}
        row={(site) => <Row key={site.site_id} site={site} />}
        empty={<p class="none">{Texts.sites.noMatch}</p>}
      />
    </div>
  )
}
