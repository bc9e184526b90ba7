/**
 * The statistics of a website.
 *
 * @module
 */
import type { Tabbed } from "../../analytics/reports/Dimensions.ts"
import { type Filter, linkLists, type Operator } from "../Address.ts"
import * as Format from "../Format.ts"
import type { Site } from "../frame/Bar.tsx"
import { go, useAddress } from "../Location.ts"
import { Icon } from "../parts/Icon.tsx"
import { lazy } from "../parts/Lazy.tsx"
import { InstallLink, Message, PageProblem, useFailures } from "../parts/Message.tsx"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../Texts.ts"
import { List, type Props as ListProps, type Tabs } from "./List.tsx"
import { ListDialog } from "./ListDialog.tsx"
import * as Queries from "./Queries.ts"
import { RangePicker } from "./RangePicker.tsx"
import { Series } from "./Series.tsx"
import { useReport, useVisitorsNow } from "./Statistics.ts"
import { revenueOf, type Total, Totals, totalOf } from "./Totals.tsx"

const opposites: Readonly<Record<Operator, Operator>> = {
  is: "is_not",
  is_not: "is",
  contains: "contains_not",
  contains_not: "contains"
}

const namesOf = ({ dimension, values }: Filter): string =>
  values.map((value) => Format.value(dimension, value)).join(Texts.filters.or)

const Filters = () => {
  const { filters, share } = useAddress()
  if (filters.length === 0) return null
  const replace = (index: number, ...by: ReadonlyArray<Filter>) => go({ filters: filters.toSpliced(index, 1, ...by) })
  return (
    <section class="filters" aria-label={Texts.filters.label}>
      {filters.map((filter, index) => {
        const opposite = opposites[filter.operator]
        const label = `${Texts.dimension(filter.dimension)} ${Texts.operators[filter.operator]} ${namesOf(filter)}`
        return (
          <span class="filter" key={label}>
            <span class="muted">{Texts.dimension(filter.dimension)}</span>
            <button
              type="button"
              disabled={share !== null}
              title={Texts.filters.setOperator(Texts.operators[opposite])}
              onClick={() => replace(index, { ...filter, operator: opposite })}
            >
              {Texts.operators[filter.operator]}
            </button>
            <b>
              <bdi>{namesOf(filter)}</bdi>
            </b>
            <button
              type="button"
              class="remove"
              aria-label={Texts.filters.remove(label)}
              onClick={() => replace(index)}
            >
              <Icon name="close" />
            </button>
          </span>
        )
      })}
      {filters.length > 1 && (
        <button type="button" class="button bare" onClick={() => go({ filters: [] })}>
          {Texts.filters.clear}
        </button>
      )}
    </section>
  )
}

const Now = ({ siteId }: { readonly siteId: string }) => {
  const { failure, value } = useVisitorsNow(siteId)
  if (value === undefined && failure !== undefined) return <span />
  return (
    <p class={`now ${value !== undefined && value.visitors !== 0 ? "live" : ""}`} title={Texts.now.note}>
      {value === undefined ? (
        <span class="skeleton">0 visitors now</span>
      ) : (
        Texts.now.visitors(Format.metric("visitors", value.visitors), value.visitors === 1)
      )}
    </p>
  )
}

/** Most websites have no problem, so it is loaded later. */
const ProblemLine = lazy(
  () => import("../health/Problems.tsx").then(({ Line }) => Line),
  () => null
)

/** This part is below all others, so it is loaded later. */
const NotCounted = lazy(() => import("./NotCounted.tsx").then(({ NotCounted }) => NotCounted))

/** The tabs of each list, in two columns. */
const columns = [
  [
    ["visit:source", "visit:channel", "visit:utm_campaign"],
    ["event:goal", "event:name", "links", "files"],
    ["visit:device", "visit:browser", "visit:os"]
  ],
  [["event:page", "visit:entry_page", "visit:exit_page"], ["visit:country"]]
] as const satisfies ReadonlyArray<ReadonlyArray<Tabs>>

type Missing = Exclude<Tabbed, (typeof columns)[number][number][number]>

// Does not compile if a dimension has a tab, but stands in no list.
null satisfies [Missing] extends [never] ? null : Missing

/** The lists of the properties that late events have: of the event by which the page is filtered, else of all. */
const Properties = (props: Omit<ListProps, "all">) => {
  const { address, siteId } = props.scope
  const { value } = useAnswer("GET /v1/owner/sites/:site_id/properties", { params: { site_id: siteId } }, siteId)
  const isOf = Queries.eventFilter(address)
  const names = new Set(
    value?.properties.flatMap(({ event, property }) =>
      isOf(event) && !Object.values<string>(linkLists).includes(event) ? [property] : []
    )
  )
  const [first, ...others] = [...names].map((name) => `event:props:${name}` as const)
  return first === undefined ? null : <List {...props} all={[first, ...others]} title={Texts.lists.properties} />
}

/** The properties of a website that the overview uses. */
export interface OverviewSite extends Pick<Site, "site_id" | "name" | "time_zone"> {
  /** Which numbers a shared dashboard shows; absent for the owner's own. */
  readonly numbers?: "exact" | "protected"
}

const NoVisits = ({ isFiltered }: { readonly isFiltered: boolean }) => (
  <p class="no-visits" role="status">
    {isFiltered ? Texts.noData.filtered : Texts.noData.earlier}{" "}
    {isFiltered ? (
      <button type="button" class="link" onClick={() => go({ filters: [] })}>
        {Texts.noData.clear}
      </button>
    ) : (
      <button type="button" class="link" onClick={() => go({ range: "all", interval: null })}>
        {Texts.noData.all}
      </button>
    )}
  </p>
)

/** Shown instead of the statistics of a website that never had a visit. Explains how to install the tag. */
const NoData = ({ siteId }: { readonly siteId: string }) => {
  const { share } = useAddress()
  return (
    <Message title={share === null ? Texts.noData.title : Texts.noData.titleForGuests}>
      {share === null ? (
        <>
          <p>{Texts.noData.body}</p>
          <InstallLink label={Texts.noData.install} siteId={siteId} />
        </>
      ) : (
        <p>{Texts.noData.bodyForGuests}</p>
      )}
    </Message>
  )
}

interface Props {
  readonly site: OverviewSite
  /** Whether the person may change the website. */
  readonly isOwner?: boolean
}

export const Overview = ({ isOwner = false, site }: Props) => {
  const address = useAddress()
  const failures = useFailures()
  const scope: Queries.Scope = {
    siteId: site.site_id,
    timeZone: site.time_zone,
    isExact: site.numbers !== "protected",
    address: Queries.shownAddress(address)
  }
  const now = Date.now()
  const totals = useReport(Queries.totals(scope, now), `${site.site_id} totals`)
  const conversionsQuery = Queries.conversions(scope, now)
  const conversions = useReport(conversionsQuery, `${site.site_id} conversions`)
  const found = totals.value?.results[0]
  const visitors = found === undefined ? undefined : Format.toNumber(found.metrics[0])
  const isEmpty = visitors === 0 && Format.toNumber(found?.metrics[2]) === 0

  // Whether the website has ever had a visit, if these days have none.
  const allTimeQuery = isEmpty
    ? Queries.totals({ ...scope, address: { ...address, range: "all", filters: [], comparison: null } }, now)
    : null
  const allTime = useReport(allTimeQuery, `${site.site_id} all time`)
  // Zeros are shown once it is known that they are not those of a website without any visit.
  const isUnknown = isEmpty && allTime.value === undefined && allTime.failure === undefined
  const row = isUnknown ? undefined : found
  const isNew = isEmpty && allTime.value !== undefined && Format.toNumber(allTime.value.results[0]?.metrics[0]) === 0

  const { failure: conversionsFailure, value: counted } = conversions
  const isFailed = counted === undefined && conversionsFailure !== undefined && conversionsFailure.kind !== "offline"
  const note =
    conversionsQuery === null ? Texts.leadsNeedVisit : isFailed ? failures[conversionsFailure.kind] : undefined

  const days = totals.value?.query.date_range
  const shown: ReadonlyArray<Total> = [
    ...Queries.totalMetrics.map((metric, place) => totalOf(metric, row, place)),
    note === undefined
      ? totalOf("conversions", isUnknown ? undefined : counted?.results[0], 0)
      : { metric: "conversions", value: undefined, before: undefined, change: null, note },
    ...(isUnknown ? [] : revenueOf(totals.value))
  ]
  const failure = totals.value === undefined ? totals.failure : undefined

  return (
    <div class="overview">
      <header class="options">
        <h1 class="sr-only">{Texts.pages.overview}</h1>
        <Now siteId={site.site_id} />
        <div class="ranges">
          <RangePicker timeZone={site.time_zone} shown={days} />
        </div>
      </header>
      <Filters />
      {address.share === null && <ProblemLine siteId={site.site_id} timeZone={site.time_zone} isOwner={isOwner} />}
      {failure !== undefined && failure.kind !== "offline" ? (
        <PageProblem failure={failure} />
      ) : isNew ? (
        <NoData siteId={site.site_id} />
      ) : (
        <>
          {isEmpty && allTime.value !== undefined && <NoVisits isFiltered={address.filters.length > 0} />}
          <div class="card">
            <Totals totals={shown} scope={scope} isStale={totals.isStale} />
            {days === undefined || isUnknown ? (
              <section class="series" />
            ) : (
              <Series scope={scope} days={days} compared={totals.value?.meta.comparison_date_range} />
            )}
          </div>
          <div class="lists" hidden={isUnknown}>
            {columns.map((column) => (
              <div key={column[0]?.[0]}>
                {column.map((tabs) => (
                  <List key={tabs[0]} all={tabs} scope={scope} totals={shown} />
                ))}
                {column === columns[1] && address.share === null && <Properties scope={scope} totals={shown} />}
              </div>
            ))}
          </div>
          {address.share === null && !isUnknown && <NotCounted siteId={site.site_id} />}
          {address.list !== null && (
            <ListDialog key={address.list} listed={address.list} scope={scope} website={site.name} />
          )}
        </>
      )}
    </div>
  )
}
