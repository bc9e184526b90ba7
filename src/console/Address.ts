/**
 * The state of the console as the fragment of its address: `#/SITE/PAGE?range=30d&source=Google`. Pure.
 *
 * Every value of a filter is a parameter. Its name is the dimension's short name, with `.not`, `.has` or `.has-not` for the
 * operators other than `is`. A browser does not send the fragment, so filters are in no server log.
 *
 * @module
 */
import * as Dimensions from "../analytics/reports/Dimensions.ts"
import {
  type Comparison,
  type FilterDimension as Dimension,
  type TimeDimension as Interval,
  type Metric,
  type Operator,
  operators,
  type Period,
  propertyPrefix
} from "../analytics/reports/Query.ts"

export { type Comparison, type Dimension, type Interval, type Metric, type Operator, operators, type Period }

export type Days = readonly [first: string, last: string]

/** A period of the API, one of two ranges that the API has no name for, or days. */
export type Range = Period | "yesterday" | "last-month" | Days

/** Selects what has one of the values, or with a negative operator what has none of them. */
export interface Filter {
  readonly dimension: Dimension
  readonly operator: Operator
  readonly values: ReadonlyArray<string>
}

/** The lists of the property `url` of one event, by their names. */
export const linkLists = { links: "Outbound Link: Click", files: "File Download" } as const

/** What a list shows: a dimension, or the links of one event. */
export type Listed = Dimension | keyof typeof linkLists

export interface Address {
  /** The secret of a link that opens a session; null for other addresses. */
  readonly link: string | null
  /** The secret of a shared dashboard, which has the parameters of the overview; null for other addresses. */
  readonly share: string | null
  /** The id of a website, or `allSites`; null for the list of websites, or for the only website. */
  readonly site: string | null
  readonly page: string
  /** The open item of the page, such as the id of a submission; of a link, the fragment that opens after it; null for none. */
  readonly item: string | null
  /** The parameters of the list of websites, and of a page other than the overview. */
  readonly view: Readonly<Record<string, string>>
  readonly range: Range
  readonly comparison: Comparison | null
  readonly filters: ReadonlyArray<Filter>
  /** The metric of the chart and the lists. */
  readonly metric: Metric
  /** Null for the default interval of the range. */
  readonly interval: Interval | null
  /** The tabs that are open, other than the first of each list. */
  readonly tabs: ReadonlyArray<Listed>
  /** The list that is open as a whole. */
  readonly list: Listed | null
  /** The dimension by which the rows of that list are split. */
  readonly split: Dimension | null
}

/** Stands for all websites in the place of a website's id. */
export const allSites = "all"

export const initial: Address = {
  link: null,
  share: null,
  site: null,
  page: "overview",
  item: null,
  view: {},
  range: "30d",
  comparison: "previous_period",
  filters: [],
  metric: "visitors",
  interval: null,
  tabs: [],
  list: null,
  split: null
}

const ranges = ["day", "yesterday", "7d", "28d", "30d", "91d", "month", "last-month", "6mo", "12mo", "year", "all"]
const metrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "conversions", "total_revenue"]
const comparisons = { previous: "previous_period", year: "year_over_year" } as const
const intervals = ["hour", "day", "week", "month"]
const suffixes: Readonly<Record<Operator, string>> = {
  is: "",
  is_not: ".not",
  contains: ".has",
  contains_not: ".has-not"
}

/** The dimensions by their short names. */
const dimensions: Readonly<Record<string, Dimension>> = Object.fromEntries(
  Object.entries(Dimensions.all).map(([name, { parameter }]) => [parameter, name as Dimension])
)

const shortNames = new Map(Object.entries(dimensions).map(([name, dimension]) => [dimension, name]))

/** A dot in a property's name would be read as an operator, and a comma as the next tab. */
const escaped = (text: string): string => text.replace(/[%.,]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`)

const shortName = (dimension: Listed): string =>
  dimension.startsWith(propertyPrefix)
    ? `prop.${escaped(dimension.slice(propertyPrefix.length))}`
    : (shortNames.get(dimension as Dimension) ?? dimension)

const dimensionOf = (name: string): Dimension | undefined =>
  name.startsWith("prop.")
    ? `${propertyPrefix}${decoded(name.slice(5))}`
    : Object.hasOwn(dimensions, name)
      ? dimensions[name]
      : undefined

const listedOf = (name: string): Listed | undefined =>
  Object.hasOwn(linkLists, name) ? (name as keyof typeof linkLists) : dimensionOf(name)

/** Parses the name of a filter's parameter. The empty suffix is tried last. */
const filterOf = (name: string): Pick<Filter, "dimension" | "operator"> | undefined => {
  const operator = [...operators].reverse().find((operator) => name.endsWith(suffixes[operator])) ?? "is"
  const dimension = dimensionOf(name.slice(0, name.length - suffixes[operator].length))
  return dimension && { dimension, operator }
}

/** Whether a text is a day that exists: Chromium parses February 30 as March 2. */
const isDate = (text: string): boolean => {
  const time = Date.parse(text)
  return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** The days from one date to another; null unless both texts are dates, in order. */
export const parseDays = (first: string, last: string): Days | null =>
  isDate(first) && isDate(last) && first <= last ? [first, last] : null

const rangeOf = (text: string | null): Range => {
  if (text === null) return initial.range
  if (ranges.includes(text)) return text as Range
  const [first = "", last = ""] = text.split("_")
  return parseDays(first, last) ?? initial.range
}

const present = <A>(value: A | undefined): value is A => value !== undefined

/** Parses a fragment. Unknown parts are ignored. */
export const parse = (fragment: string): Address => {
  const [path = "", search = ""] = fragment
    .toWellFormed()
    .replace(/^#?\/?/, "")
    .split("?", 2)
  const [site = "", page = "", item = ""] = path.split("/").map(decoded)
  if (site === "link" && page !== "") return { ...initial, link: page, item: item.startsWith("#/") ? item : null }
  const parameters = new URLSearchParams(search)
  const share = site === "share" && page !== "" ? page : null
  if (share === null && site !== "" && page !== "" && page !== initial.page) {
    return { ...initial, site, page, item: item || null, view: Object.fromEntries(parameters) }
  }
  if (share === null && site === "") return { ...initial, view: Object.fromEntries(parameters) }
  const filters = new Map<string, Filter>()
  for (const [name, value] of parameters) {
    const filter = filterOf(name)
    if (filter !== undefined) filters.set(name, { ...filter, values: [...(filters.get(name)?.values ?? []), value] })
  }
  const metric = parameters.get("metric") ?? ""
  const interval = parameters.get("by") ?? ""
  const compare = parameters.get("compare")
  const list = listedOf(parameters.get("list") ?? "") ?? null
  const split = dimensionOf(parameters.get("split") ?? "") ?? null
  return {
    link: null,
    share,
    site: share === null ? site || null : null,
    page: initial.page,
    item: null,
    view: {},
    range: rangeOf(parameters.get("range")),
    comparison:
      compare === "none"
        ? null
        : compare !== null && Object.hasOwn(comparisons, compare)
          ? comparisons[compare as keyof typeof comparisons]
          : initial.comparison,
    filters: [...filters.values()],
    metric: metrics.includes(metric) ? (metric as Metric) : initial.metric,
    interval: intervals.includes(interval) ? (`time:${interval}` as Interval) : null,
    tabs: (parameters.get("tabs") ?? "").split(",").map(listedOf).filter(present),
    list,
    split: list === null || split === list ? null : split
  }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ""
  }
}

/** The fragment of an address, with `#`. Defaults are left out. */
export const format = (address: Address): string => {
  if (address.link !== null) {
    const parts = [address.link, ...(address.item === null ? [] : [address.item])]
    return `#/link/${parts.map(encodeURIComponent).join("/")}`
  }
  if (address.site !== null && address.page !== initial.page) {
    const path = [address.site, address.page, ...(address.item === null ? [] : [address.item])]
    const parameters = new URLSearchParams(address.view)
    return `#/${path.map(encodeURIComponent).join("/")}${parameters.size === 0 ? "" : `?${parameters}`}`
  }
  const isSiteList = address.site === null && address.share === null
  const parameters = new URLSearchParams(isSiteList ? address.view : {})
  const { comparison, filters, interval, list, metric, range, split, tabs } = address
  const text = typeof range === "string" ? range : range.join("_")
  if (text !== initial.range) parameters.set("range", text)
  if (comparison !== initial.comparison) parameters.set("compare", comparison === null ? "none" : "year")
  for (const { dimension, operator, values } of filters) {
    for (const value of values) parameters.append(shortName(dimension) + suffixes[operator], value)
  }
  if (metric !== initial.metric) parameters.set("metric", metric)
  if (interval !== null) parameters.set("by", interval.slice("time:".length))
  if (tabs.length > 0) parameters.set("tabs", tabs.map(shortName).join(","))
  if (list !== null) parameters.set("list", shortName(list))
  if (list !== null && split !== null) parameters.set("split", shortName(split))
  const path = (
    address.share !== null ? ["share", address.share] : address.site === null ? [] : [address.site, address.page]
  )
    .map(encodeURIComponent)
    .join("/")
  return `#/${path}${parameters.size === 0 ? "" : `?${parameters}`}`
}

/**
 * Adds a value to its dimension's filter with the operator `is`, or removes it if the filter has it. A shared dashboard has at
 * most one filter, with one value.
 */
export const toggle = (
  { filters, share }: Pick<Address, "filters" | "share">,
  dimension: Dimension,
  value: string
): ReadonlyArray<Filter> => {
  if (share === null) return toggled(filters, dimension, value)
  const next = toggled([], dimension, value)
  return filters.some((filter) => filter.dimension === dimension && filter.values.includes(value)) ? [] : next
}

const toggled = (filters: ReadonlyArray<Filter>, dimension: Dimension, value: string): ReadonlyArray<Filter> => {
  const known = filters.find((filter) => filter.dimension === dimension && filter.operator === "is")
  if (known === undefined) return [...filters, { dimension, operator: "is", values: [value] }]
  return known.values.includes(value)
    ? filters.flatMap((filter) => {
        if (filter !== known) return [filter]
        const values = known.values.filter((other) => other !== value)
        return values.length === 0 ? [] : [{ ...filter, values }]
      })
    : filters.map((filter) => (filter === known ? { ...filter, values: [...filter.values, value] } : filter))
}
