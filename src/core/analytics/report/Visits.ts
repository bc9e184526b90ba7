/**
 * Groups the rows of a site into visits. A visit is a maximal run of page views and events of one session key in which no two
 * successive rows are more than 30 minutes apart. Pure.
 *
 * @module
 */
import * as CodePoints from "../../text/CodePoints.ts"
import type { Campaign } from "../PageView.ts"
import type { ConversionRow, EventRow, SiteRows, ViewRow } from "./Row.ts"

/** A visit ends after this idle time, in milliseconds. */
export const maxGap = 30 * 60_000

export interface Visit {
  readonly sessionKey: string
  /** The times of the first and the last row. */
  readonly startedAt: number
  readonly endedAt: number
  /** By time; views of the same time by `viewOrder`. */
  readonly views: ReadonlyArray<ViewRow>
  readonly events: ReadonlyArray<EventRow>
  readonly conversions: ReadonlyArray<ConversionRow>
  /** The visitor hash of the first row; if several rows have the same first time, the smallest of their hashes. */
  readonly visitorHash: string
  /** The campaign, referrer and path of the first view, and as `exitPage` the path of the last; null without a view. */
  readonly campaign: Campaign | null
  readonly referrerHost: string | null
  readonly referrerPath: string | null
  readonly entryPage: string | null
  readonly exitPage: string | null
  /** Of the first view; without a view, of the first event. */
  readonly deviceType: string | null
  readonly browser: string | null
  readonly os: string | null
  readonly country: string | null
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
  return CodePoints.compare(left, right)
}

const firstDifference = (left: ReadonlyArray<string | null>, right: ReadonlyArray<string | null>): number => {
  for (const [index, text] of left.entries()) {
    const order = textOrder(text, right[index] ?? null)
    if (order !== 0) return order
  }
  return 0
}

const clientTexts = ({ browser, country, deviceType, os }: Row) => [deviceType, browser, os, country]

const viewTexts = (view: ViewRow) => [
  view.path,
  view.campaign.source,
  view.campaign.medium,
  view.campaign.name,
  view.campaign.term,
  view.campaign.content,
  view.referrerHost,
  view.referrerPath,
  ...clientTexts(view)
]

/** By time, then by the texts that a visit takes from its first view, nulls last. */
export const viewOrder = (left: ViewRow, right: ViewRow): number =>
  left.receivedAt - right.receivedAt || firstDifference(viewTexts(left), viewTexts(right))

/** By time, then by the texts that a visit without a view takes from its first event, nulls last. */
const eventOrder = (left: EventRow, right: EventRow): number =>
  left.receivedAt - right.receivedAt || firstDifference(clientTexts(left), clientTexts(right))

const rowOrder = (left: Row, right: Row): number =>
  left.receivedAt - right.receivedAt || CodePoints.compare(left.visitorHash, right.visitorHash)

const isEvent = (row: Row): row is EventRow => "name" in row

const groupBy = <A>(values: Iterable<A>, key: (value: A) => string): Map<string, Array<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const value of values) {
    const group = groups.get(key(value))
    if (group === undefined) groups.set(key(value), [value])
    else group.push(value)
  }
  return groups
}

/** Splits the rows of one session key, sorted by time, where they are more than `maxGap` apart. */
const runs = (rows: ReadonlyArray<Row>): ReadonlyArray<ReadonlyArray<Row>> => {
  const found: Array<Array<Row>> = []
  let previous = Number.NEGATIVE_INFINITY
  for (const row of rows) {
    if (row.receivedAt - previous > maxGap) found.push([])
    found.at(-1)?.push(row)
    previous = row.receivedAt
  }
  return found
}

const visit = (key: string, rows: ReadonlyArray<Row>, conversions: ReadonlyArray<ConversionRow>): Visit => {
  const views = rows.filter((row): row is ViewRow => !isEvent(row)).sort(viewOrder)
  const events = rows.filter(isEvent).sort(eventOrder)
  const [landing] = views
  const client = landing ?? events[0]
  const startedAt = rows[0]?.receivedAt ?? 0
  const endedAt = rows.at(-1)?.receivedAt ?? 0
  const isBounce = views.length === 1 && !events.some((event) => event.isInteractive)
  return {
    sessionKey: key,
    startedAt,
    endedAt,
    views,
    events,
    conversions: conversions.filter((row) => row.visitStartedAt >= startedAt && row.visitStartedAt <= endedAt),
    visitorHash: rows[0]?.visitorHash ?? "",
    campaign: landing?.campaign ?? null,
    referrerHost: landing?.referrerHost ?? null,
    referrerPath: landing?.referrerPath ?? null,
    entryPage: landing?.path ?? null,
    exitPage: views.at(-1)?.path ?? null,
    deviceType: client?.deviceType ?? null,
    browser: client?.browser ?? null,
    os: client?.os ?? null,
    country: client?.country ?? null,
    isBounce,
    duration: isBounce ? 0 : Math.floor((endedAt - startedAt) / 1000)
  }
}

/** The visits of a site, in no particular order. A conversion belongs to the visit that includes its `visitStartedAt`. */
export const make = ({ conversions, events, views }: SiteRows): ReadonlyArray<Visit> => {
  const conversionsByKey = groupBy(conversions, (row) => row.sessionKey)
  return Array.from(groupBy<Row>([...views, ...events], sessionKey)).flatMap(([key, rows]) =>
    runs(rows.sort(rowOrder)).map((run) => visit(key, run, conversionsByKey.get(key) ?? []))
  )
}
