/**
 * Custom events: what a page sends, what the server adds, and the record that is stored. Pure: the time, the address and the
 * date's salt are arguments, as for a page view.
 *
 * @module
 */
import * as Text from "../platform/text/Text.ts"
import type { EventPayload } from "./Api.ts"
import * as PageView from "./PageView.ts"

export type PropertyValue = string | number | boolean

export interface Revenue {
  /** A sum in the currency's main unit, rounded to thousandths, as Plausible does. Negative for a refund. */
  readonly amount: number
  /** Three capital letters of ISO 4217. */
  readonly currency: string
}

/** A stored event. Its texts have neither NULs nor lone surrogates. Its name, path and properties have no email addresses. */
export interface Event extends PageView.Received {
  readonly name: string
  /** Null without properties. */
  readonly properties: Readonly<Record<string, PropertyValue>> | null
  readonly revenue: Revenue | null
  /** Whether the event keeps a visit with one page view from being a bounce. */
  readonly isInteractive: boolean
}

/** What a page sends. */
export type SentEvent = Omit<EventPayload, "site_id">

/** Truncates nothing: the length was validated, and U+FFFD is as long as the NUL that it replaces. */
const storable = (text: string): string => {
  const masked = PageView.maskEmails(text)
  return Text.storable(masked, masked.length)
}

const propertiesOf = (sent: SentEvent["properties"]): Event["properties"] => {
  const entries = Object.entries(sent ?? {}).map(
    // A negative zero becomes zero, as in JSON.
    ([name, value]) =>
      [
        storable(name),
        typeof value === "string" ? storable(value) : typeof value === "number" ? value + 0 : value
      ] as const
  )
  // Not an assignment: a property can be named `__proto__`.
  return entries.length === 0 ? null : Object.fromEntries(entries)
}

const thousandths = (amount: number): number => Math.round(amount * 1_000) / 1_000 + 0

export const make = (sent: SentEvent, facts: PageView.VisitorFacts): Event => ({
  hostedWebsiteId: facts.hostedWebsiteId,
  receivedAt: facts.receivedAt,
  name: storable(sent.name),
  path: PageView.splitPath(sent.page_path).path,
  sessionId: PageView.sessionIdOf(sent.session_id),
  visitorHash: PageView.visitorHash(facts),
  deviceType: PageView.deviceType(null, facts.client, null),
  browser: facts.client.browser,
  os: facts.client.os,
  country: facts.country,
  properties: propertiesOf(sent.properties),
  revenue: sent.revenue
    ? { amount: thousandths(sent.revenue.amount), currency: sent.revenue.currency.toUpperCase() }
    : null,
  isInteractive: sent.interactive ?? true
})
