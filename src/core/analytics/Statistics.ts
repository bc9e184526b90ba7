/**
 * A site's statistics, and how they are counted from its page views. Pure: the views and the time are arguments.
 *
 * @module
 */
import { Buffer } from "node:buffer"
import { Record } from "effect"
import { dateOf, dayMillis, dayOf } from "../text/Calendar.ts"
import type { PageView } from "./PageView.ts"

export interface Count {
  readonly name: string
  readonly pageViews: number
}

export interface Day {
  /** `YYYY-MM-DD`, UTC. */
  readonly date: string
  readonly pageViews: number
  readonly visitors: number
}

/** The lists of a report, and the field of a view that each counts. A null is not counted. */
const lists = {
  pages: (view) => view.path,
  referrers: (view) => view.referrerHost,
  sources: (view) => view.campaign.source,
  mediums: (view) => view.campaign.medium,
  campaigns: (view) => view.campaign.name,
  terms: (view) => view.campaign.term,
  contents: (view) => view.campaign.content,
  browsers: (view) => view.browser,
  operatingSystems: (view) => view.os,
  devices: (view) => view.deviceType
} satisfies Readonly<Record<string, (view: PageView) => string | null>>

export type List = keyof typeof lists

export const makeLists = (make: (list: List) => ReadonlyArray<Count>): Readonly<Record<List, ReadonlyArray<Count>>> =>
  Record.map(lists, (_, list) => make(list))

/** Each list holds at most `maxCounts` entries, most visited first, ties by name. */
export interface Statistics extends Readonly<Record<List, ReadonlyArray<Count>>> {
  readonly pageViews: number
  /**
   * The sum of each day's visitors. A visitor of thirty days counts thirty times: the salt of the visitor hash changes
   * daily, so that a visitor cannot be recognized on another day.
   */
  readonly visitors: number
  /** Distinct session ids. Views without a session id count by visitor. */
  readonly sessions: number
  /** One entry per day of the period, oldest first, days without visits included. */
  readonly days: ReadonlyArray<Day>
}

/** The days of `[from, to)`, in milliseconds since 1970, and their dates, oldest first. */
export interface Period {
  readonly from: number
  readonly to: number
  readonly dates: ReadonlyArray<string>
}

/** The maximum number of days of a report: ten years. */
export const maxDays = 3_660

/** The maximum length of each list. */
export const maxCounts = 10

/** The last `days` UTC days up to the day of `now`: between one and `maxDays`. */
export const period = (query: { readonly days: number; readonly now: number }): Period => {
  const days = Math.min(maxDays, Math.max(1, Math.trunc(query.days) || 1))
  const to = (dayOf(query.now) + 1) * dayMillis
  const from = to - days * dayMillis
  return { from, to, dates: Array.from({ length: days }, (_, index) => dateOf(from + index * dayMillis)) }
}

/** Orders counted days by `dates` and fills the gaps with zeros. */
export const fillDays = (dates: Period["dates"], counted: Iterable<Day>): ReadonlyArray<Day> => {
  const byDate = new Map(Array.from(counted, (day) => [day.date, day]))
  return dates.map((date) => byDate.get(date) ?? { date, pageViews: 0, visitors: 0 })
}

/** Most visited first, ties by the code points of the name, as PostgreSQL's collation "C" sorts. */
export const byPageViews = (left: Count, right: Count): number =>
  right.pageViews - left.pageViews || Buffer.compare(Buffer.from(left.name), Buffer.from(right.name))

const top = (names: Iterable<string | null>): ReadonlyArray<Count> => {
  const counts = new Map<string, number>()
  for (const name of names) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Array.from(counts, ([name, pageViews]) => ({ name, pageViews }))
    .sort(byPageViews)
    .slice(0, maxCounts)
}

/** Counts a site's views of the period, in any order. Bots are left out. */
export const aggregate = (
  views: Iterable<PageView>,
  query: { readonly hostedWebsiteId: string; readonly days: number; readonly now: number }
): Statistics => {
  const { dates, from, to } = period(query)
  const counted: Array<PageView> = []
  const days = new Map<string, { pageViews: number; readonly visitors: Set<string> }>()
  const sessions = new Set<string>()
  for (const view of views) {
    if (view.exclusion !== null || view.hostedWebsiteId !== query.hostedWebsiteId) continue
    if (view.receivedAt < from || view.receivedAt >= to) continue
    counted.push(view)
    const visitor = view.visitorHash
    sessions.add(view.sessionId === null ? `visitor ${visitor}` : `session ${view.sessionId}`)
    const date = dateOf(view.receivedAt)
    const day = days.get(date) ?? { pageViews: 0, visitors: new Set() }
    days.set(date, day)
    day.pageViews++
    day.visitors.add(visitor)
  }
  const filled = fillDays(
    dates,
    Array.from(days, ([date, { pageViews, visitors }]) => ({ date, pageViews, visitors: visitors.size }))
  )
  return {
    pageViews: counted.length,
    visitors: filled.reduce((sum, day) => sum + day.visitors, 0),
    sessions: sessions.size,
    days: filled,
    ...makeLists((list) => top(counted.map(lists[list])))
  }
}
