/**
 * The content of the mails about problems of a website that begin or end, and about a webhook that was disabled. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import { hostOf, type Receiver } from "../Webhook.ts"
import * as MailText from "./MailText.ts"
import type { Content, Part } from "./Message.ts"

/** What a mail says of a problem. */
export const ProblemNotice = Schema.Struct({
  title: Schema.String,
  /** A name that others chose, such as a refused origin. */
  named: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String),
  /** ISO 8601. */
  since: Schema.String,
  nextStep: Schema.String
})

export type ProblemNotice = typeof ProblemNotice.Type

/** The problems that began, and the titles of those that ended. At least one of both. */
export const Problems = Schema.Struct({
  began: Schema.Array(ProblemNotice),
  ended: Schema.Array(Schema.String)
})

export type Problems = typeof Problems.Type

const maxTitle = 300

const momentIn = MailText.timesAs({ dateStyle: "long", timeStyle: "short" })

const moment = (time: string, timeZone: string): string => `${momentIn(time, timeZone)} (${timeZone})`

const began = ({ named, nextStep, reason, since, title }: ProblemNotice, timeZone: string): Part => ({
  kind: "record",
  title: MailText.line(title, maxTitle),
  note: `Since ${moment(since, timeZone)}`,
  fields: [
    // Others choose it, so it must not become a link.
    ...(named === null ? [] : [["Name", MailText.websiteName(named, maxTitle)] as const]),
    ...(reason === null ? [] : [["Reason", MailText.line(reason, maxTitle)] as const]),
    ["Next step", MailText.line(nextStep, 500)]
  ]
})

const titleOf = ({ began, ended }: Problems): string => {
  const [first, ...others] = began
  if (first !== undefined) {
    return others.length === 0 ? MailText.line(first.title, maxTitle) : MailText.counted(began.length, "problem")
  }
  const [only, ...more] = ended
  return only !== undefined && more.length === 0
    ? `Solved: ${MailText.line(only, maxTitle)}`
    : `${MailText.counted(ended.length, "problem")} solved`
}

export const content = (website: MailText.Website, problems: Problems): Content =>
  MailText.contentOf(website, titleOf(problems), [
    ...problems.began.map((problem) => began(problem, website.timeZone)),
    ...problems.ended.map((text): Part => ({ kind: "notice", text: `Solved: ${MailText.line(text, maxTitle)}` }))
  ])

/** A webhook that was disabled because it fails. */
export interface DisabledWebhook {
  readonly webhookId: string
  /** The host of its URL; the rest of the URL may be secret. */
  readonly host: string
  /** Whether the receiver answered 410 (Gone); otherwise every attempt failed for five days. */
  readonly isGone: boolean
}

/**
 * The facts of the mail about a webhook that was disabled.
 *
 * @param status the status of the receiver's last answer; null if the last attempt got no answer
 */
export const disabledWebhook = (
  { url, webhookId }: Pick<Receiver, "url" | "webhookId">,
  status: number | null
): DisabledWebhook => ({
  webhookId,
  host: hostOf(url),
  isGone: status === 410
})

/** What the mail says. `host` is null if only the operator may know it. */
export interface WebhookFacts extends Omit<DisabledWebhook, "host"> {
  readonly host: string | null
}

export const webhookContent = (website: MailText.Website, { host, isGone, webhookId }: WebhookFacts): Content => {
  const receiver = host === null ? "a receiver that the operator set" : MailText.line(host, 253)
  return MailText.contentOf(website, `The webhook to ${receiver} is disabled`, [
    {
      kind: "paragraph",
      text: isGone
        ? "Its receiver answered 410 (Gone), so it gets no more events. The submissions themselves are stored."
        : "Every attempt to reach it failed for five days. It gets no events now. The submissions themselves are stored."
    },
    {
      kind: "paragraph",
      text: "When the receiver works again, enable the webhook. The deliveries that wait are then sent; each waits for 30 days at most."
    },
    { kind: "command", text: `hydracore webhook update --webhook-id ${webhookId} --enable` },
    {
      kind: "facts",
      fields: [
        ["Receiver", receiver],
        ["Webhook", webhookId]
      ]
    }
  ])
}
