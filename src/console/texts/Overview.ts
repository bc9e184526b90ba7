/**
 * Texts of the overview.
 *
 * @module
 */
import * as Dimensions from "../../analytics/reports/Dimensions.ts"
import type { Comparison, Dimension, Interval, Listed, Metric, Operator, Range } from "../Address.ts"

export const noData = {
  title: "No visits yet",
  body: "Pages with this website’s tag are counted here. Paste it into every page: the first visit appears within a minute.",
  titleForGuests: "No visits counted yet",
  /** Protected numbers count the visits until the last full hour. */
  bodyForGuests: "A visit appears in the statistics within an hour.",
  install: "Show the tag",
  earlier: "There are no visits on these days. Choose more days, or see all time.",
  filtered: "No visit matches these filters.",
  clear: "Remove the filters",
  all: "Show all time"
} as const

/** A count from 1 to 4 on a shared dashboard. */
export const hidden = "<5"

export const metrics: Readonly<Record<Metric, string>> = {
  visitors: "Visitors",
  visits: "Visits",
  pageviews: "Views",
  views_per_visit: "Views per visit",
  bounce_rate: "Bounce rate",
  visit_duration: "Duration",
  events: "Events",
  conversions: "Leads",
  conversion_rate: "Conversion rate",
  group_conversion_rate: "Conversion rate",
  total_revenue: "Revenue"
}

/** The name of a metric. Conversions are leads unless a filter chooses other goals. */
export const metric = (name: Metric, countsLeads: boolean): string =>
  name === "conversions" && !countsLeads ? "Conversions" : metrics[name]

export const metricNotes: Readonly<Partial<Record<Metric, string>>> = {
  visitors: "The unique visitors of each day, summed. Visitors are not recognized on another day.",
  visits:
    "Page views and events of a visitor on one day, without a pause of more than 30 minutes. Another campaign begins a new visit.",
  pageviews: "Pages that were opened.",
  bounce_rate: "Visits with one page view and no other action.",
  visit_duration: "The average time from the first page view or event of a visit to the last.",
  conversions:
    "Accepted submissions, and chats that began, whose visit is known. The inbox also has those without one, such as from a blocked tag."
}

export const currencies = "The revenue is in more than one currency. Filter by an event or a goal to see each."

export const leadsNeedVisit =
  "A lead belongs to a visit, not to a page or an event. Remove the filters by page or event to see leads."

export const dimension = (name: Dimension): string =>
  Object.hasOwn(Dimensions.all, name)
    ? Dimensions.all[name as keyof typeof Dimensions.all].title
    : name.replace("event:props:", "")

/** The titles of the lists. */
const tabs: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(Dimensions.all).flatMap(([name, { tab }]) => (tab === undefined ? [] : [[name, tab]]))
  ),
  links: "Outbound links",
  files: "Downloads"
}

/** The title of a list. */
export const tab = (listed: Listed): string =>
  Object.hasOwn(tabs, listed) ? tabs[listed]! : dimension(listed as Dimension)

/** The title of a list's column. */
export const column = (dimensions: ReadonlyArray<Dimension>, name: Metric, countsLeads: boolean): string =>
  name.endsWith("conversion_rate")
    ? "Rate"
    : name === "conversions" && dimensions.includes("event:goal")
      ? "Total"
      : metric(name, countsLeads)

export const lists = {
  all: "Show all",
  allOf: (tab: string): string => `Show all ${tab.toLowerCase()}`,
  details: "Details",
  detailsOf: (tab: string): string => `Details of ${tab.toLowerCase()}`,
  properties: "Properties",
  split: "Split by",
  notSplit: "Nothing",
  splitTitle: (tab: string, dimension: string): string => `${tab} by ${dimension.toLowerCase()}`,
  cut: (rows: string, all: string): string =>
    `The file has the first ${rows} of ${all} rows. Filter the page to export the others.`,
  find: "Find",
  export: "Export CSV",
  more: "Show more",
  none: "Nothing on these days.",
  noneForGuests: "Nothing with five or more visitors on these days.",
  noMatch: "Nothing matches.",
  filterBy: (dimension: string, value: string): string => `Filter by ${dimension.toLowerCase()} ${value}`,
  noneOf: {
    "visit:utm_campaign":
      "Links with ?utm_campaign=… in their address are counted here, so that you see which campaign brings visitors.",
    "event:goal":
      "Submissions and chats are goals already. An owner can add others in Set up, under Goals: an event, or a page such as /thanks.",
    "event:name": "Your pages send events with hydracore.event('Signup'). See the guide Websites.",
    links: "The tag counts clicks on links to other websites if it has the attribute data-outbound.",
    files: "The tag counts clicks on links to files if it has the attribute data-downloads.",
    "visit:country":
      "Countries need a database on the server. Its operator names the file with GEO_DATABASE: see the guide Settings and limits."
  } as Readonly<Record<string, string>>
} as const

/** The texts that are shown instead of placeholders, such as `(not set)`, and of identifiers, such as `desktop`. */
export const values: Readonly<Record<string, string>> = {
  "Direct / None": "Direct",
  "(not set)": "Unknown",
  desktop: "Desktop",
  mobile: "Mobile",
  tablet: "Tablet"
}

export const operators: Readonly<Record<Operator, string>> = {
  is: "is",
  is_not: "is not",
  contains: "contains",
  contains_not: "does not contain"
}

export const filters = {
  label: "Filters",
  or: " or ",
  remove: (text: string): string => `Remove the filter ${text}`,
  setOperator: (operator: string): string => `Change to “${operator}”`,
  clear: "Remove all"
} as const

export const ranges: Readonly<Record<Exclude<Range, ReadonlyArray<string>>, string>> = {
  day: "Today",
  yesterday: "Yesterday",
  "7d": "Last 7 days",
  "28d": "Last 28 days",
  "30d": "Last 30 days",
  "91d": "Last 91 days",
  month: "This month",
  "last-month": "Last month",
  "6mo": "Last 6 months",
  year: "This year",
  "12mo": "Last 12 months",
  all: "All time"
}

export const range = {
  label: "Days",
  choose: "Choose days…",
  title: "Choose days",
  first: "First day",
  last: "Last day",
  apply: "Show these days",
  order: "The last day is before the first one.",
  zone: (zone: string): string => `Days in the time zone ${zone}.`
} as const

export const comparison = {
  label: "Comparison",
  none: "No comparison",
  names: { previous_period: "Period before", year_over_year: "Year before" } as Readonly<Record<Comparison, string>>,
  with: (name: string): string => `vs. ${name.toLowerCase()}`,
  more: (change: string): string => `${change} more than before`,
  fewer: (change: string): string => `${change} less than before`,
  same: "As before",
  noVisits: "No visits before",
  before: (value: string): string => `${value} before`,
  untilSameTime: (days: string, isOneDay: boolean): string =>
    `Today is not over: compared with ${days}, ${isOneDay ? "" : "the last day "}until the same time.`,
  allHours: { chart: "The dashed line shows all hours.", table: "Each hour is compared with a whole one." }
} as const

export const chart = {
  intervals: { "time:hour": "Hours", "time:day": "Days", "time:week": "Weeks", "time:month": "Months" } as Readonly<
    Record<Interval, string>
  >,
  interval: "Interval",
  table: "Table",
  chart: "Chart",
  name: (metric: string, interval: string): string => `${metric} by ${interval.toLowerCase().replace(/s$/, "")}`,
  point: (label: string, value: string, before: string | undefined): string =>
    before === undefined ? `${label}: ${value}` : `${label}: ${value}, ${before} before`,
  soFar: (label: string): string => `${label}, so far`,
  help: "Arrow keys move along the chart. Enter opens the days of a point. Drag to choose days.",
  helpForGuests: "Arrow keys move along the chart.",
  when: "When",
  before: "Before"
} as const

export const now = {
  visitors: (count: string, isOne: boolean): string => `${count} ${isOne ? "visitor" : "visitors"} now`,
  note: "Visitors of the last five minutes"
} as const
