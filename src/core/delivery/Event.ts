/**
 * The events of a website, and the payload that tells subscribers of one (Standard Webhooks: type, timestamp, data). Pure.
 *
 * @module
 */
import type { ConversationKey } from "../chat/Conversation.ts"
import type { Submission } from "../forms/Submission.ts"
import * as SubmissionExport from "../forms/SubmissionExport.ts"
import * as Calendar from "../text/Calendar.ts"

/** The events that a webhook can subscribe to. */
export const types = [
  "submission.accepted",
  "submission.quarantined",
  "submission.released",
  "submission.deleted",
  "conversation.started",
  "conversation.feedback",
  "site.limit"
] as const

export type Type = (typeof types)[number]

/** The time between two `site.limit` events of a website, in milliseconds. */
export const limitEventMillis = 60 * 60 * 1000

/** The event that `webhook test` sends. */
export const testType = "webhook.test"

/** Whether a webhook gets an event; an empty list means all. */
export const isWanted = (events: ReadonlyArray<string>, type: string): boolean =>
  events.length === 0 || events.includes(type)

/** The most bytes of a payload. */
export const maxPayload = 20_000

/** What the payload has besides its data. */
const envelope = 200

const bytes = (text: string): number => Buffer.byteLength(text)

/**
 * @param data JSON text
 * @param time milliseconds since 1970
 */
export const payload = (type: string, time: number, data: string): string =>
  `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(Calendar.iso(time))},"data":${data}}`

/** The members of an object with shortened texts. Members that are no text and longer than `length` are left out. */
const shortened = (json: string, length: number): string => {
  const members = Object.entries(JSON.parse(json) as Record<string, unknown>).flatMap(([name, value]) => {
    if (name.length > length) return []
    if (typeof value !== "string") return JSON.stringify(value).length > length ? [] : [[name, value] as const]
    return [[name, value.length > length ? `${value.slice(0, length).toWellFormed()}…` : value] as const]
  })
  return JSON.stringify(Object.fromEntries(members))
}

/** The longest texts to try, in UTF-16 units. */
const lengths = [4_000, 1_000, 200, 50]

const fits = (data: string): boolean => bytes(data) + envelope < maxPayload

const withMark = (json: string): string =>
  json === "{}" ? '{"truncated":true}' : `${json.slice(0, -1)},"truncated":true}`

/** The data, or else the longest shortened one that fits, or else what is left without the texts. */
const firstThatFits = (data: string, shorten: (length: number) => string, rest: () => string): string => {
  if (fits(data)) return data
  for (const length of lengths) {
    const json = withMark(shorten(length))
    if (fits(json)) return json
  }
  return withMark(rest())
}

/**
 * A submission as the export writes it, with its verdict. The fields of a form that would exceed the largest payload are
 * shortened, and `truncated` says so; the export has them in full.
 */
export const submissionData = (submission: Submission): string => {
  const withForm = (formData: string) => SubmissionExport.json({ ...submission, formData }, { withVerdict: true })
  return firstThatFits(
    withForm(submission.formData),
    (length) => withForm(shortened(submission.formData, length)),
    () => withForm("{}")
  )
}

/** Data whose texts are shortened if it would exceed the largest payload, and then says `truncated`. */
export const bounded = (data: string): string =>
  firstThatFits(
    data,
    (length) => shortened(data, length),
    () => "{}"
  )

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
