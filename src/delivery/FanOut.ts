/**
 * Turns events of the outbox into deliveries. Pure.
 *
 * @module
 */
import type { EventId, WebsiteConfigId } from "../platform/Id.ts"
import * as Event from "./Event.ts"

/** An event in the outbox, where it was stored together with its cause. */
export interface OutboxEvent {
  readonly eventId: EventId
  readonly websiteConfigId: WebsiteConfigId
  readonly type: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /**
   * A submission's id or a `Conversation.subjectOf`; null for another event. If the subject is deleted, so is the event's data.
   */
  readonly subject: string | null
  /** JSON text; null if the data is that of the subject. */
  readonly data: string | null
}

/** A recipient of a website's events. */
export interface Subscriber {
  readonly subscriberId: string
  readonly websiteConfigId: WebsiteConfigId
  readonly websiteName: string
  /** The event types that it gets; empty for all. */
  readonly events: ReadonlyArray<string>
}

/** A delivery to be stored. */
export interface NewDelivery {
  readonly event: OutboxEvent
  readonly subscriberId: string
  /** JSON text. */
  readonly payload: string
}

/** Returns a function that finds the subscribers of an event. */
const finderOf = (subscribers: ReadonlyArray<Subscriber>) => {
  const bySite = Map.groupBy(subscribers, ({ websiteConfigId }) => websiteConfigId)
  return ({ type, websiteConfigId }: OutboxEvent): ReadonlyArray<Subscriber> =>
    (bySite.get(websiteConfigId) ?? []).filter(({ events }) => Event.isWanted(events, type))
}

/**
 * The subjects whose data `deliveries` needs. Leaves out the events without a subscriber: most websites have no webhook, so
 * most data need not be read.
 */
export const subjectsOf = (
  events: ReadonlyArray<OutboxEvent>,
  subscribers: ReadonlyArray<Subscriber>
): ReadonlyArray<string> => {
  const subscribersOf = finderOf(subscribers)
  const subjects = events.flatMap((event) =>
    event.data === null && event.subject !== null && subscribersOf(event).length > 0 ? [event.subject] : []
  )
  return [...new Set(subjects)]
}

/**
 * One delivery for each event and each subscriber of its website that gets events of its type.
 *
 * @param dataOf the data of a subject of `subjectsOf` as JSON text. Undefined for a deleted subject, whose events are not
 * delivered
 */
export const deliveries = (
  events: ReadonlyArray<OutboxEvent>,
  subscribers: ReadonlyArray<Subscriber>,
  dataOf: (subject: string) => string | undefined
): ReadonlyArray<NewDelivery> => {
  const subscribersOf = finderOf(subscribers)
  return events.flatMap((event) => {
    const receivers = subscribersOf(event)
    if (receivers.length === 0) return []
    const data = event.data === null ? dataOf(event.subject ?? "") : Event.bounded(event.data)
    if (data === undefined) return []
    const { createdAt: time, type, websiteConfigId } = event
    return receivers.map(({ subscriberId, websiteName: name }) => ({
      event,
      subscriberId,
      payload: Event.payload({ type, time, website: { websiteConfigId, name } }, data)
    }))
  })
}
