/**
 * Turns events of the outbox into deliveries. Pure.
 *
 * @module
 */
import * as Event from "./Event.ts"

/** An event that its cause has stored. */
export interface OutboxEvent {
  readonly eventId: string
  readonly websiteConfigId: string
  readonly type: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** What the event is about, such as a submission's id; its data is deleted with it. */
  readonly subject: string | null
  /** JSON text; null if the data is that of the subject. */
  readonly data: string | null
}

/** What gets events of a website. */
export interface Subscriber {
  readonly subscriberId: string
  readonly websiteConfigId: string
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

/**
 * One delivery for each event and each subscriber of its website that wants it.
 *
 * @param dataOf the data of a subject as JSON text; undefined if it was deleted, and then its events are not delivered
 */
export const deliveries = (
  events: ReadonlyArray<OutboxEvent>,
  subscribers: ReadonlyArray<Subscriber>,
  dataOf: (subject: string) => string | undefined
): ReadonlyArray<NewDelivery> => {
  const bySite = Map.groupBy(subscribers, ({ websiteConfigId }) => websiteConfigId)
  return events.flatMap((event) => {
    const data = event.data ?? dataOf(event.subject ?? "")
    if (data === undefined) return []
    const payload = Event.payload(event.type, event.createdAt, data)
    return (bySite.get(event.websiteConfigId) ?? [])
      .filter(({ events: wanted }) => Event.isWanted(wanted, event.type))
      .map(({ subscriberId }) => ({ event, subscriberId, payload }))
  })
}
