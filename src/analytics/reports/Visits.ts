/**
 * Groups the rows of a website into visits. Pure.
 *
 * A run is the page views and events of one session key on one day of the website in which no two successive rows are more than
 * 30 minutes apart. A visit is a run, or a part of one: a page view with a campaign begins a new visit if no earlier page view
 * of the run has a campaign, or if the last one of these has another campaign. Rows of the same time are in the same visit.
 *
 * @module
 */
import { dateOf } from "../../platform/text/Calendar.ts"
import * as Text from "../../platform/text/Text.ts"
import type { Event } from "../Event.ts"
import type { Goal } from "../Goal.ts"
import type { Campaign } from "../PageView.ts"
import * as StoredView from "../StoredView.ts"
import * as Dimensions from "./Dimensions.ts"
import * as LocalTime from "./LocalTime.ts"

/** A page view that counts. */
export type ViewRow = StoredView.View

/** An event other than a page view. */
export type EventRow = Omit<Event, "hostedWebsiteId">

/** A visit's conversion without an event: a submitted form or a started chat. */
export interface ConversionRow {
  /** The time of the visit's first row, as it was known when the conversion was stored. */
  readonly visitStartedAt: number
  /** See `Visits.sessionKey`. */
  readonly sessionKey: string
  /** A name of `Goal.leads`. */
  readonly name: string
}

/** A goal. Its name is a value of the dimension `event:goal`. */
export type GoalRow = Pick<Goal, "name" | "kind" | "value">

/** The rows of one site. Each list is in any order. */
export interface SiteRows {
  readonly views: ReadonlyArray<ViewRow>
  readonly events: ReadonlyArray<EventRow>
  readonly conversions: ReadonlyArray<ConversionRow>
  readonly goals: ReadonlyArray<GoalRow>
}

/** A run ends after this idle time, in milliseconds. */
export const maxGap = 30 * 60_000

export interface Visit {
  readonly sessionKey: string
  /** The times of the first and the last row. */
  readonly startedAt: number
  readonly endedAt: number
  /** By time; views of the same time by their texts. */
  readonly views: ReadonlyArray<ViewRow>
  readonly events: ReadonlyArray<EventRow>
  readonly conversions: ReadonlyArray<ConversionRow>
  /** The visitor hash of the first row; if several rows have the same first time, the smallest of their hashes. */
  readonly visitorHash: string
  /** The first view, from which the visit has its campaign and referrer; null without a view. */
  readonly landing: ViewRow | null
  /** The first view; without a view, the first event. The visit has the facts of its client from it. */
  readonly client: ViewRow | EventRow | null
  /** One view, and no interactive event. */
  readonly isBounce: boolean
  /** Whole seconds, rounded down; 0 for a bounce. */
  readonly duration: number
}

type Row = ViewRow | EventRow

/** The session id, or the visitor hash of a row without one. */
export const sessionKey = (row: Pick<Row, "sessionId" | "visitorHash">): string => row.sessionId ?? row.visitorHash

const textOrder = (left: string | null, right: string | null): number => {
  if (left === null || right === null) return Number(left === null) - Number(right === null)
  return Text.compareCodePoints(left, right)
}

const firstDifference = (left: ReadonlyArray<string | null>, right: ReadonlyArray<string | null>): number => {
  for (const [index, text] of left.entries()) {
    const order = textOrder(text, right[index] ?? null)
    if (order !== 0) return order
  }
  return 0
}

const clientTexts = (row: Row) => Dimensions.clientColumns.map((column) => StoredView.byName[column].of(row))

const viewTexts = (view: ViewRow) => [
  ...Dimensions.landingColumns.map((column) => StoredView.byName[column].of(view)),
  view.path,
  ...clientTexts(view)
]

const isEvent = (row: Row): row is EventRow => "name" in row

const textsOf = (row: Row) => (isEvent(row) ? clientTexts(row) : viewTexts(row))

/** By time, page views before events, and then by the texts that a visit takes from its first row, nulls last. */
const rowOrder = (left: Row, right: Row): number =>
  left.receivedAt - right.receivedAt ||
  Number(isEvent(left)) - Number(isEvent(right)) ||
  firstDifference(textsOf(left), textsOf(right))

const groupBy = <A>(values: Iterable<A>, key: (value: A) => string): Map<string, Array<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const value of values) {
    const group = groups.get(key(value))
    if (group === undefined) groups.set(key(value), [value])
    else group.push(value)
  }
  return groups
}

/** The source, medium and campaign of a row as one text, by which visits are separated; null if the row has none of them. */
export const campaignKey = ({ medium, name, source }: Campaign): string | null =>
  source || medium || name ? JSON.stringify([source || null, medium || null, name || null]) : null

/**
 * Splits the rows of one session key and day into visits.
 *
 * @param rows by time, and those of the same time with campaigns first
 * @param campaignOf the campaign of a page view; null for an event
 */
export const split = <R extends { readonly receivedAt: number }>(
  rows: ReadonlyArray<R>,
  campaignOf: (row: R) => Campaign | null
): ReadonlyArray<ReadonlyArray<R>> => {
  const visits: Array<Array<R>> = []
  let previous = Number.NEGATIVE_INFINITY
  let lastCampaign: string | null = null
  for (const row of rows) {
    const campaign = campaignOf(row)
    const key = campaign === null ? null : campaignKey(campaign)
    const pause = row.receivedAt - previous
    if (pause > maxGap) lastCampaign = null
    if (pause > maxGap || (pause > 0 && key !== null && key !== lastCampaign)) visits.push([])
    visits.at(-1)?.push(row)
    previous = row.receivedAt
    lastCampaign = key ?? lastCampaign
  }
  return visits
}

const visit = (key: string, rows: ReadonlyArray<Row>, conversions: ReadonlyArray<ConversionRow>): Visit => {
  const views = rows.filter((row): row is ViewRow => !isEvent(row))
  const events = rows.filter(isEvent)
  const landing = views[0] ?? null
  const startedAt = rows[0]?.receivedAt ?? 0
  const endedAt = rows.at(-1)?.receivedAt ?? 0
  const firstHashes = rows.filter((row) => row.receivedAt === startedAt).map((row) => row.visitorHash)
  const isBounce = views.length === 1 && !events.some((event) => event.isInteractive)
  return {
    sessionKey: key,
    startedAt,
    endedAt,
    views,
    events,
    conversions: conversions.filter((row) => row.visitStartedAt >= startedAt && row.visitStartedAt <= endedAt),
    visitorHash: firstHashes.sort(Text.compareCodePoints)[0] ?? "",
    landing,
    client: landing ?? events[0] ?? null,
    isBounce,
    duration: isBounce ? 0 : Math.floor((endedAt - startedAt) / 1000)
  }
}

/**
 * The visits of a website in a time zone, in no particular order. A conversion belongs to the visit that includes its
 * `visitStartedAt`.
 */
export const make = ({ conversions, events, views }: SiteRows, timeZone: string): ReadonlyArray<Visit> => {
  const { toLocal } = LocalTime.zone(timeZone)
  const conversionsByKey = groupBy(conversions, (row) => row.sessionKey)
  const dayOf = (row: Row) => dateOf(toLocal(row.receivedAt))
  return Array.from(groupBy<Row>([...views, ...events], sessionKey)).flatMap(([key, rows]) =>
    [...groupBy(rows.sort(rowOrder), dayOf).values()].flatMap((ofDay) =>
      split(ofDay, (row) => (isEvent(row) ? null : row.campaign)).map((part) =>
        visit(key, part, conversionsByKey.get(key) ?? [])
      )
    )
  )
}
