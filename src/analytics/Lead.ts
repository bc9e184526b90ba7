/**
 * Leads: submissions and chats that are credited to the visit in which they happened. `analytics/postgres/Leads` has the layer.
 *
 * A lead has the visitor hashes with which its sender's page views are stored. `visitOf` finds the visit among the rows with
 * these hashes.
 *
 * @module
 */

import { Context, type Effect } from "effect"
import type { InstanceId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { hourMillis } from "../platform/text/Calendar.ts"
import { type Lead, leads } from "./Goal.ts"
import type { PageView } from "./PageView.ts"
import * as Visits from "./reports/Visits.ts"

/** A visit's credit for a lead. It has no time or id of its own, so that it cannot be traced to a person. */
export interface Conversion {
  readonly hostedWebsiteId: string
  /** Milliseconds since 1970. */
  readonly visitStartedAt: number
  /** See `Visits.sessionKey`. */
  readonly sessionKey: string
  /** The goal's name; see `Goal.leads`. */
  readonly name: string
}

/** Where a visit came from, as stored with a submission. */
export interface Attribution {
  /** `utm_source`, else the referrer's host. */
  readonly source: string | null
  readonly medium: string | null
  readonly campaign: string | null
  /** The referrer's host and path. */
  readonly referrer: string | null
  readonly entryPage: string | null
}

export const noAttribution: Attribution = {
  source: null,
  medium: null,
  campaign: null,
  referrer: null,
  entryPage: null
}

/** A lead that is not matched with a visit yet. */
export interface PendingLead {
  /** A submission's id, or a random id. */
  readonly leadId: string
  readonly kind: Lead
  readonly hostedWebsiteId: string
  /** Those of the days of `VisitorSalts.daysOfLead`. At least one. */
  readonly visitorHashes: ReadonlyArray<string>
  /** Milliseconds since 1970. */
  readonly receivedAt: number
}

/** A page view or an event; only page views have an attribution. */
export interface VisitorRow {
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly visitorHash: string
  /** See `Visits.sessionKey`. */
  readonly sessionKey: string
  readonly path: string
  readonly country: string | null
  /** Null for an event. */
  readonly view: Pick<PageView, "campaign" | "referrerHost" | "referrerPath"> | null
}

export interface CreditedVisit {
  readonly startedAt: number
  readonly sessionKey: string
  readonly attribution: Attribution
  /** The path of the visit's last page view before the lead; without a page view, of its last event before the lead. */
  readonly page: string
  readonly country: string | null
}

/**
 * How long before a lead the rows with its hashes may have been received: a form may stay open for hours, a day has at most 25
 * hours, and a lead may come two hours after it.
 */
export const lookBackMillis = 27 * hourMillis

/** The periods before leads that are searched, one after the other. Most leads follow a page view within minutes. */
export const searchMillis = [Visits.maxGap, 4 * Visits.maxGap, 16 * Visits.maxGap, lookBackMillis] as const

/** How long after a lead the rows of its visit may have been received: another process's clock may be ahead. */
export const clockToleranceMillis = 5_000

/** How long a lead waits for its visit's rows, which may not be stored yet. */
export const maxWaitMillis = 10_000

/** How long a lead is kept if no search for its visit succeeds. */
export const maxKeptMillis = hourMillis

/** @param entry the visit's first page view */
const attributionOf = (entry: VisitorRow | undefined): Attribution => {
  if (entry === undefined || entry.view === null) return noAttribution
  const { campaign, referrerHost, referrerPath } = entry.view
  return {
    source: campaign.source ?? referrerHost,
    medium: campaign.medium,
    campaign: campaign.name,
    referrer: referrerHost === null ? null : `${referrerHost}${referrerPath ?? ""}`,
    entryPage: entry.path
  }
}

/** Page views before events, and those with a campaign first: `Visits.split` reads rows of the same time in this order. */
const rank = ({ view }: VisitorRow): number => (view === null ? 2 : Visits.campaignKey(view.campaign) === null ? 1 : 0)

/** The visits of a lead's rows. A hash belongs to one day, and so do the visits of its rows. */
const visitsOf = (rows: ReadonlyArray<VisitorRow>): ReadonlyArray<ReadonlyArray<VisitorRow>> => {
  const sorted = [...rows].sort((left, right) => left.receivedAt - right.receivedAt || rank(left) - rank(right))
  const byKey = Map.groupBy(sorted, ({ sessionKey, visitorHash }) => `${visitorHash} ${sessionKey}`)
  return [...byKey.values()].flatMap((ofKey) => Visits.split(ofKey, ({ view }) => view?.campaign ?? null))
}

/**
 * The last of the visits that began before a lead at `leadAt`. If there is none, the first that began within
 * `clockToleranceMillis` after the lead, else undefined. Rows outside of `lookBackMillis` and `clockToleranceMillis` are ignored.
 *
 * @param rows those with the lead's hashes, in any order
 */
export const visitOf = (rows: ReadonlyArray<VisitorRow>, leadAt: number): CreditedVisit | undefined => {
  const near = rows.filter(
    ({ receivedAt }) => receivedAt <= leadAt + clockToleranceMillis && receivedAt > leadAt - lookBackMillis
  )
  const visits = visitsOf(near).flatMap((visit): ReadonlyArray<CreditedVisit> => {
    const [first] = visit
    if (first === undefined) return []
    const views = visit.filter(({ view }) => view !== null)
    const located = views.length > 0 ? views : visit
    const { country, path } = located.findLast(({ receivedAt }) => receivedAt <= leadAt) ?? located[0] ?? first
    return [
      {
        startedAt: first.receivedAt,
        sessionKey: first.sessionKey,
        attribution: attributionOf(views[0]),
        page: path,
        country
      }
    ]
  })
  // After a long pause on a form, the page view of its thank-you page begins another visit, which did not bring the lead.
  const sorted = visits.sort((left, right) => left.startedAt - right.startedAt)
  return sorted.findLast(({ startedAt }) => startedAt <= leadAt) ?? sorted[0]
}

/**
 * Whether the visit of a lead may have rows at or before `after`, the time from which its rows were searched: its run may have
 * begun before, or nothing was found yet. A lead that is not late then waits for its rows instead.
 */
export const needsEarlierRows = (
  { isLate }: { readonly isLate: boolean },
  rows: ReadonlyArray<VisitorRow>,
  after: number
): boolean => (rows.length === 0 ? isLate : Math.min(...rows.map((row) => row.receivedAt)) - Visits.maxGap <= after)

/** A lead with its visit. */
export interface MatchedLead {
  readonly lead: PendingLead
  readonly visit: CreditedVisit
}

export const conversionOf = ({ lead, visit }: MatchedLead): Conversion => ({
  hostedWebsiteId: lead.hostedWebsiteId,
  visitStartedAt: visit.startedAt,
  sessionKey: visit.sessionKey,
  name: leads[lead.kind]
})

/**
 * Matches leads of one website with the rows that have their hashes. A lead without a visit stays pending, or is dropped if
 * `isLate`.
 */
export const match = <L extends PendingLead & { readonly isLate: boolean }>(
  pending: ReadonlyArray<L>,
  rowsOf: (lead: L) => ReadonlyArray<VisitorRow>
): { readonly matched: ReadonlyArray<MatchedLead>; readonly dropped: ReadonlyArray<L> } => {
  const matched: Array<MatchedLead> = []
  const dropped: Array<L> = []
  for (const lead of pending) {
    const visit = visitOf(rowsOf(lead), lead.receivedAt)
    if (visit !== undefined) matched.push({ lead, visit })
    else if (lead.isLate) dropped.push(lead)
  }
  return { matched, dropped }
}

/** The result of one pass over the pending leads. */
export interface Matched {
  /** Leads whose visit was found. */
  readonly matched: number
  /** Leads without a visit, which were dropped after `maxWaitMillis`. */
  readonly dropped: number
}

/** Credits visits with leads. */
export class Leads extends Context.Service<
  Leads,
  {
    /**
     * Stores a pending lead for a chat whose conversation the edge does not store. Does nothing for an instance without a
     * website. (`SubmissionRepo.submit` stores the leads of submissions, and `ConversationStore.begin` those of stored
     * conversations.)
     */
    readonly addChat: (chat: {
      readonly instanceId: InstanceId
      /** See `PendingLead`. */
      readonly visitorHashes: ReadonlyArray<string>
      /** Milliseconds since 1970. */
      readonly receivedAt: number
    }) => Effect.Effect<void, StorageUnavailable>
    /**
     * Finds the visits of the pending leads. In one transaction, a lead whose visit is found becomes a conversion, a submission
     * gets its visit's attribution, a stored conversation that began with the lead gets the visit's page, source and country, and
     * the pending lead is deleted. A quarantined submission gets the attribution, but becomes
     * no conversion. Concurrent calls handle each lead once.
     */
    readonly match: Effect.Effect<Matched, StorageUnavailable>
  }
>()("hydracore/analytics/Leads") {}
