/**
 * Leads: submissions and chats that are credited to the visit in which they happened. Pure.
 *
 * A lead names the tracker's session. `visitOf` finds the visit among the rows of that session.
 *
 * @module
 */
import { dayMillis } from "../text/Calendar.ts"
import { type Lead, leads } from "./Goal.ts"
import type { PageView } from "./PageView.ts"
import { maxGap } from "./report/Visits.ts"

/** A visit's credit for a lead. It has no time or id of its own, so that it cannot be traced to a person. */
export interface Conversion {
  readonly hostedWebsiteId: string
  /** Milliseconds since 1970. */
  readonly visitStartedAt: number
  /** The session id of the visit's rows. */
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
  readonly sessionId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
}

/** A page view or an event of a session; only page views have an attribution. */
export interface SessionRow {
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly view: Pick<PageView, "path" | "campaign" | "referrerHost" | "referrerPath"> | null
}

export interface CreditedVisit {
  readonly startedAt: number
  readonly attribution: Attribution
}

/** How long before a lead its visit may have ended: a form may stay open for hours. */
export const lookBackMillis = dayMillis

/** How long after a lead the rows of its visit may have been received: another process's clock may be ahead. */
export const clockToleranceMillis = 5_000

/** How long a lead waits for its visit's rows, which may not be stored yet. */
export const maxWaitMillis = 10_000

const attributionOf = ({
  campaign,
  path,
  referrerHost,
  referrerPath
}: NonNullable<SessionRow["view"]>): Attribution => ({
  source: campaign.source ?? referrerHost,
  medium: campaign.medium,
  campaign: campaign.name,
  referrer: referrerHost === null ? null : `${referrerHost}${referrerPath ?? ""}`,
  entryPage: path
})

/**
 * The last of a session's visits that began before a lead at `leadAt`. If there is none, a visit that began within
 * `clockToleranceMillis` after the lead, else undefined. Rows outside of `lookBackMillis` and `clockToleranceMillis` are ignored.
 *
 * @param rows the rows of the session, in any order
 */
export const visitOf = (rows: ReadonlyArray<SessionRow>, leadAt: number): CreditedVisit | undefined => {
  const near = rows
    .filter(({ receivedAt }) => receivedAt <= leadAt + clockToleranceMillis && receivedAt > leadAt - lookBackMillis)
    .sort((left, right) => left.receivedAt - right.receivedAt)
  if (near.length === 0) return undefined
  const continues = (index: number) => near[index]!.receivedAt - near[index - 1]!.receivedAt <= maxGap
  // After a long pause on a form, the page view of its thank-you page begins another visit, which did not bring the lead.
  let first = Math.max(
    near.findLastIndex(({ receivedAt }) => receivedAt <= leadAt),
    0
  )
  let end = first + 1
  while (end < near.length && continues(end)) end++
  while (first > 0 && continues(first)) first--
  const entry = near.slice(first, end).find(({ view }) => view !== null)?.view
  return {
    startedAt: near[first]!.receivedAt,
    attribution: entry ? attributionOf(entry) : noAttribution
  }
}

/** A lead with its visit. */
export interface MatchedLead {
  readonly lead: PendingLead
  readonly visit: CreditedVisit
}

export const conversionOf = ({ lead, visit }: MatchedLead): Conversion => ({
  hostedWebsiteId: lead.hostedWebsiteId,
  visitStartedAt: visit.startedAt,
  sessionKey: lead.sessionId,
  name: leads[lead.kind]
})

/**
 * Matches leads of one website with the rows of their sessions. A lead without a visit stays pending, or is dropped if
 * `isLate`.
 */
export const match = <L extends PendingLead & { readonly isLate: boolean }>(
  pending: ReadonlyArray<L>,
  rowsOf: (sessionId: string) => ReadonlyArray<SessionRow>
): { readonly matched: ReadonlyArray<MatchedLead>; readonly dropped: ReadonlyArray<L> } => {
  const matched: Array<MatchedLead> = []
  const dropped: Array<L> = []
  for (const lead of pending) {
    const visit = visitOf(rowsOf(lead.sessionId), lead.receivedAt)
    if (visit !== undefined) matched.push({ lead, visit })
    else if (lead.isLate) dropped.push(lead)
  }
  return { matched, dropped }
}
