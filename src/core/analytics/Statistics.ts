/**
 * What a site's owner reads about their visits, and how it is counted. Pure: the views and the time are given.
 *
 * @module
 */
import { Buffer } from "node:buffer"
import { Record } from "effect"
import { dateOf, dayMillis, dayOf } from "../text/Time.ts"
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

/** The lists of a report, and what of a view each counts. A view in which it is null is not in that list. */
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

/** Makes each list by its name. */
export const makeLists = (make: (list: List) => ReadonlyArray<Count>): Readonly<Record<List, ReadonlyArray<Count>>> =>
  Record.map(lists, (_, list) => make(list))

/** Each list holds at most ten, most visited first, ties by name. */
export interface Statistics extends Readonly<Record<List, ReadonlyArray<Count>>> {
  readonly pageViews: number
  /**
   * The sum of each day's visitors, so that who comes on thirty days counts thirty times: the salt of a visitor's hash
   * changes daily, and nobody can be recognized on another day.
   */
  readonly visitors: number
  /** Sessions: distinct session ids; a view without one counts by its visitor. */
  readonly sessions: number
  /** One entry for each day of the period, days without visits too, oldest first. */
  readonly days: ReadonlyArray<Day>
}

/** Days of the period, `[from, to)` in milliseconds since 1970, and the date of each, oldest first. */
export interface Period {
  readonly from: number
  readonly to: number
  readonly dates: ReadonlyArray<string>
}

/** The most days that one report spans; a longer period is cut to its last ten years. */
export const maxDays = 3_660

/** How long each list is at most. */
export const maxCounts = 10

/** The last `days` UTC days, the one of `now` included; at least one and at most `maxDays`. */
export const period = (query: { readonly days: number; readonly now: number }): Period => {
  const days = Math.min(maxDays, Math.max(1, Math.trunc(query.days) || 1))
  const to = (dayOf(query.now) + 1) * dayMillis
  const from = to - days * dayMillis
  return { from, to, dates: Array.from({ length: days }, (_, index) => dateOf(from + index * dayMillis)) }
}

/** Puts the days that were counted (in any order, days without visits left out) into the period, with zeros between. */
export const fillDays = (dates: Period["dates"], counted: Iterable<Day>): ReadonlyArray<Day> => {
  const byDate = new Map(Array.from(counted, (day) => [day.date, day]))
  return dates.map((date) => byDate.get(date) ?? { date, pageViews: 0, visitors: 0 })
}

/** Most visited first, ties by name in the order of its code points, as a database sorts under the collation "C". */
export const byPageViews = (left: Count, right: Count): number =>
  right.pageViews - left.pageViews || Buffer.compare(Buffer.from(left.name), Buffer.from(right.name))

const top = (names: Iterable<string | null>): ReadonlyArray<Count> => {
  const counts = new Map<string, number>()
  for (const name of names) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Array.from(counts, ([name, pageViews]) => ({ name, pageViews }))
    .sort(byPageViews)
    .slice(0, maxCounts)
}

/** Counts a site's views in the period. Bots, other sites and other days are left out; views may come in any order. */
export const aggregate = (
  views: Iterable<PageView>,
  query: { readonly hostedWebsiteId: string; readonly days: number; readonly now: number }
): Statistics => {
  const { dates, from, to } = period(query)
  const counted: Array<PageView> = []
  const days = new Map<string, { pageViews: number; readonly visitors: Set<string> }>()
  const sessions = new Set<string>()
  for (const view of views) {
    if (view.isBot || view.hostedWebsiteId !== query.hostedWebsiteId) continue
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
