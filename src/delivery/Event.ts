/**
 * The events of a website, the payload in which a subscriber gets an event (Standard Webhooks: type, timestamp, data), and the
 * deliveries that the events of the outbox become. Pure.
 *
 * @module
 */
import { Record } from "effect"
import type { ConversationKey } from "../chat/conversations/Conversation.ts"
import type { Submission } from "../forms/Submission.ts"
import * as SubmissionExport from "../forms/SubmissionExport.ts"
import { type EventId, isCanonicalUuid, type WebsiteConfigId } from "../platform/Id.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import type { Site } from "../sites/Site.ts"

/** The events that a webhook can subscribe to. */
export const types = [
  "submission.accepted",
  "submission.quarantined",
  "submission.released",
  "submission.deleted",
  "submission.restored",
  "conversation.started",
  "conversation.unanswered",
  "conversation.feedback",
  "site.limit"
] as const

export type Type = (typeof types)[number]

/** The type of the event that tests a webhook. */
export const testType = "webhook.test"

/** Whether a webhook gets an event; an empty list means all. */
export const isWanted = (events: ReadonlyArray<string>, type: string): boolean =>
  events.length === 0 || events.includes(type)

/** The maximum size of a payload, in bytes. */
export const maxPayload = 20_000

/** The maximum size of a payload's parts besides its data, in bytes: 200 characters of a name can take 1,200. */
const envelope = 1_500

const bytes = (text: string): number => Buffer.byteLength(text)

/** The website of an event. */
export type Website = Pick<Site, "websiteConfigId" | "name">

interface EventHead {
  readonly type: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly website: Website
}

/** @param data JSON text */
export const payload = ({ time, type, website }: EventHead, data: string): string => {
  const { name, websiteConfigId } = website
  const head = { type, timestamp: Calendar.iso(time), website: { website_config_id: websiteConfigId, name } }
  return `${JSON.stringify(head).slice(0, -1)},"data":${data}}`
}

/** A text, cut to a length in UTF-16 units. */
const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).toWellFormed()}…`

/**
 * Parses an object once, and returns a function that shortens the object's texts to a length. It leaves out a member whose name
 * is longer, or whose value is longer and not a text. The function stops and returns undefined as soon as the result exceeds
 * the maximum payload, so that thousands of members take little time.
 */
const shortenerOf = (object: string) => {
  const members = Object.entries(JSON.parse(object) as Record<string, unknown>).map(([name, value]) =>
    typeof value === "string" ? { name, text: value, json: "" } : { name, text: null, json: JSON.stringify(value) }
  )
  return (length: number): string | undefined => {
    const kept: Array<string> = []
    let size = 0
    for (const { json, name, text } of members) {
      if (name.length > length || json.length > length) continue
      const member = `${JSON.stringify(name)}:${text === null ? json : JSON.stringify(cut(text, length))}`
      size += member.length
      if (size > maxPayload) return undefined
      kept.push(member)
    }
    return `{${kept.join(",")}}`
  }
}

/** The lengths of texts to try, in UTF-16 units. */
const lengths = [4_000, 1_000, 200, 50]

const fits = (data: string): boolean => bytes(data) + envelope < maxPayload

const withMark = (json: string): string =>
  json === "{}" ? '{"truncated":true}' : `${json.slice(0, -1)},"truncated":true}`

/**
 * The result of `dataOf` if it fits. Otherwise, with `truncated`, the result for the longest shortened object that fits, or for
 * `{}`. If everything but the object takes more than half of the payload, `shortDataOf` takes the place of `dataOf`.
 */
const firstThatFits = (
  object: string,
  dataOf: (object: string) => string,
  shortDataOf: (object: string) => string = dataOf
): string => {
  const data = dataOf(object)
  if (fits(data)) return data
  const boundedDataOf = bytes(dataOf("{}")) < maxPayload / 2 ? dataOf : shortDataOf
  const shorten = shortenerOf(object)
  for (const length of lengths) {
    const short = shorten(length)
    const marked = short === undefined ? undefined : withMark(boundedDataOf(short))
    if (marked !== undefined && fits(marked)) return marked
  }
  return withMark(boundedDataOf("{}"))
}

/** The length to which a submission's other texts are cut if they leave little room for its form, in UTF-16 units. */
const maxOther = 300

const cutOrNull = (text: string | null): string | null => (text === null ? null : cut(text, maxOther))

const withShortTexts = (submission: Submission): Submission => ({
  ...submission,
  email: cutOrNull(submission.email),
  pageSlug: cutOrNull(submission.pageSlug),
  attribution: Record.map(submission.attribution, cutOrNull)
})

/**
 * A submission as the export writes it, with its verdict. If the payload would be too large, texts are shortened, fields of the
 * form may be left out, and `truncated` is set; the export has them in full.
 */
export const submissionData = (submission: Submission): string => {
  const dataOf = (formData: string, from = submission) => SubmissionExport.json({ ...from, formData })
  return firstThatFits(
    submission.formData,
    (formData) => dataOf(formData),
    (formData) => dataOf(formData, withShortTexts(submission))
  )
}

/** The data. If the payload would be too large, texts are shortened, other long members are left out and `truncated` is set. */
export const bounded = (data: string): string => firstThatFits(data, (object) => object)

/** A conversation that began, with the visitor's first message. */
export const conversationData = ({
  conversationId,
  instanceId,
  message,
  startedAt
}: ConversationKey & {
  readonly message: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
}): string =>
  bounded(
    JSON.stringify({
      instance_id: instanceId,
      conversation_id: conversationId,
      started_at: Calendar.iso(startedAt),
      message
    })
  )

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
    (bySite.get(websiteConfigId) ?? []).filter(({ events }) => isWanted(events, type))
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

const release = "submission.released" satisfies Type

const restoration = "submission.restored" satisfies Type

/** The events that tell a subscriber of an accepted submission. */
export const announcements: ReadonlyArray<string> = ["submission.accepted" satisfies Type, release]

/** Identifies a subscriber and a subject. */
export const announcementOf = (subscriberId: string, subject: string): string => `${subscriberId} ${subject}`

/** The subjects of the events that a subscriber may have as accepted already: an owner can mark a submission as spam and undo it. */
export const releasedOf = (events: ReadonlyArray<OutboxEvent>): ReadonlyArray<string> =>
  events.flatMap(({ subject, type }) => (type === release && subject !== null ? [subject] : []))

/** The submissions that came back to the inbox: from the quarantine, or because their deletion was undone. */
export const returnedOf = (events: ReadonlyArray<OutboxEvent>): ReadonlyArray<string> => [
  ...new Set(
    events.flatMap(({ subject, type }) =>
      (type === release || type === restoration) && subject !== null && isCanonicalUuid(subject) ? [subject] : []
    )
  )
]

/**
 * One delivery for each event and each subscriber of its website that gets events of its type. The release of a submission that a
 * subscriber has as accepted already is delivered only if the subscriber also gets the events of the quarantine.
 *
 * @param dataOf the data of a subject of `subjectsOf` as JSON text. Undefined for a deleted subject, whose events are not
 * delivered
 * @param announced the `announcementOf` of earlier deliveries with `announcements`
 */
export const deliveries = (
  events: ReadonlyArray<OutboxEvent>,
  subscribers: ReadonlyArray<Subscriber>,
  dataOf: (subject: string) => string | undefined,
  announced: ReadonlySet<string> = new Set()
): ReadonlyArray<NewDelivery> => {
  const subscribersOf = finderOf(subscribers)
  const known = new Set(announced)
  const isRepeated = ({ events, subscriberId }: Subscriber, { subject, type }: OutboxEvent): boolean =>
    type === release &&
    known.has(announcementOf(subscriberId, subject ?? "")) &&
    !isWanted(events, "submission.quarantined")
  return events.flatMap((event) => {
    const receivers = subscribersOf(event).filter((subscriber) => !isRepeated(subscriber, event))
    if (receivers.length === 0) return []
    const data = event.data === null ? dataOf(event.subject ?? "") : bounded(event.data)
    if (data === undefined) return []
    if (announcements.includes(event.type)) {
      for (const { subscriberId } of receivers) known.add(announcementOf(subscriberId, event.subject ?? ""))
    }
    const { createdAt: time, type, websiteConfigId } = event
    return receivers.map(({ subscriberId, websiteName: name }) => ({
      event,
      subscriberId,
      payload: payload({ type, time, website: { websiteConfigId, name } }, data)
    }))
  })
}
