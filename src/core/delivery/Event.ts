/**
 * The events of a website, and the payload that tells subscribers of one (Standard Webhooks: type, timestamp, data). Pure.
 *
 * @module
 */
import type { Submission } from "../forms/Submission.ts"
import * as SubmissionExport from "../forms/SubmissionExport.ts"
import * as Calendar from "../text/Calendar.ts"

/** The events that a webhook can subscribe to. */
export const types = [
  "submission.accepted",
  "submission.quarantined",
  "submission.released",
  "submission.deleted"
] as const

export type Type = (typeof types)[number]

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

/** The members of a form with shortened texts. Members that are no text and longer than `length` are left out. */
const shortened = (formData: string, length: number): string => {
  const members = Object.entries(JSON.parse(formData) as Record<string, unknown>).flatMap(([name, value]) => {
    if (name.length > length) return []
    if (typeof value !== "string") return JSON.stringify(value).length > length ? [] : [[name, value] as const]
    return [[name, value.length > length ? `${value.slice(0, length).toWellFormed()}…` : value] as const]
  })
  return JSON.stringify(Object.fromEntries(members))
}

/** The longest texts to try, in UTF-16 units. */
const lengths = [4_000, 1_000, 200, 50]

const withMark = (json: string): string => `${json.slice(0, -1)},"truncated":true}`

/**
 * A submission as the export writes it, with its verdict. The fields of a form that would exceed the largest payload are
 * shortened, and `truncated` says so; the export has them in full.
 */
export const submissionData = (submission: Submission): string => {
  const options = { withVerdict: true }
  const whole = SubmissionExport.json(submission, options)
  if (bytes(whole) + envelope < maxPayload) return whole
  for (const length of lengths) {
    const json = withMark(
      SubmissionExport.json({ ...submission, formData: shortened(submission.formData, length) }, options)
    )
    if (bytes(json) + envelope < maxPayload) return json
  }
  return withMark(SubmissionExport.json({ ...submission, formData: "{}" }, options))
}
