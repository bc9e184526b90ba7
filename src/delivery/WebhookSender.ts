/**
 * Sends a payload to a webhook, signed: as JSON, or as a message in the format of Slack, which Mattermost and Discord (at `/slack`)
 * also accept.
 *
 * @module
 */
import { createHmac } from "node:crypto"
import { Clock, Effect, Predicate } from "effect"
import { OutwardClient } from "../platform/outward/OutwardClient.ts"
import type { Receiver } from "./Webhook.ts"

const secretPrefix = "whsec_"

/** The number of bytes of a secret. The specification allows 24 to 64. */
export const secretBytes = 32

/** The text of a secret: `whsec_` and its bytes in base64. */
export const formatSecret = (bytes: Uint8Array): string => `${secretPrefix}${Buffer.from(bytes).toString("base64")}`

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(secretPrefix.length), "base64")

/** A request to sign. */
export interface SignedMessage {
  /** The same in every attempt. */
  readonly id: string
  /** The time of the attempt, in milliseconds since 1970. */
  readonly sentAt: number
  readonly body: string
}

/** The headers of a request, with one signature for each secret. */
export const signatureHeaders = ({ body, id, sentAt }: SignedMessage, secrets: ReadonlyArray<string>) => {
  const timestamp = Math.floor(sentAt / 1000)
  const signatures = secrets.map(
    (secret) => `v1,${createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest("base64")}`
  )
  return { "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": signatures.join(" ") }
}

/** The length in UTF-16 units to which a value, and the whole message, is cut. */
const maxValue = 500
const maxText = 3_000

/** Mentions in Mattermost and Discord: of a user only if no letter or digit precedes the `@`, of a group anywhere. */
const mention = /(?<![a-z0-9])@|@(?=everyone|here|channel|all)/gi

/**
 * Escapes Slack's control characters and breaks mentions. Most email addresses stay as they are, so that they can be copied.
 */
const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replace(mention, "@\u200b")

const lineBreaks = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/g

/**
 * The `]` before the URL of a link or an image in Markdown. Mattermost and Discord show a text instead of the URL, which could
 * mislead a reader.
 */
const linkMark = /\](?=[([:]|$)/g

/** Marks of bold, italic, struck and code text. */
const textMark = /[*_~`]/g

/** A text on one line without formatting: a name that a visitor chose cannot look like the title of a message. */
const toName = (text: string): string =>
  escape(text).replace(lineBreaks, " ").replace(linkMark, "]\u200b").replace(textMark, "$&\u200b")

/** A text whose further lines are quotations, so that they cannot look like further fields. */
const toValue = (text: string): string => escape(text).replace(linkMark, "]\u200b").replace(lineBreaks, "\n> ")

const cut = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max).toWellFormed()}…`)

const titles: Readonly<Record<string, string>> = {
  "submission.accepted": "New submission",
  "submission.quarantined": "Suspected spam in quarantine",
  "submission.released": "Submission released from quarantine",
  "submission.deleted": "Submission deleted",
  "submission.restored": "Deleted submission restored",
  "conversation.started": "New conversation",
  "conversation.unanswered": "A visitor got no answer",
  "conversation.feedback": "An answer was rated",
  "site.limit": "Visitors were refused because of a limit",
  "webhook.test": "Test of this webhook"
}

/**
 * The names and values of an event's data: for a submission, its email, page and the fields of its form; otherwise all members, but no
 * conversation id, with which a widget reads and continues the conversation: everybody in the channel reads the message.
 */
const lines = (data: Readonly<Record<string, unknown>>): ReadonlyArray<readonly [name: string, value: unknown]> => {
  const form = data["form_data"]
  return Predicate.isObject(form)
    ? [["email", data["email"]], ["page", data["page_slug"]], ...Object.entries(form)]
    : Object.entries(data).filter(([name]) => name !== "conversation_id")
}

/**
 * The body for Slack.
 *
 * @param payload the JSON text that `Event.payload` made
 */
export const slackBody = (payload: string): string => {
  const parsed: unknown = JSON.parse(payload)
  const { data, type, website } = Predicate.isObject(parsed) ? parsed : {}
  const title = titles[String(type)] ?? String(type)
  // A delivery that an earlier version stored has no website.
  const name = Predicate.isObject(website) ? ` – ${toName(String(website["name"]))}` : ""
  const values = lines(Predicate.isObject(data) ? data : {})
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value)
      return `${toName(cut(name, 100))}: ${toValue(cut(text, maxValue))}`
    })
  return JSON.stringify({ text: cut([`*${title}${name}*`, ...values].join("\n"), maxText), unfurl_links: false })
}

/** @param id the event's id, the same in every attempt */
export const send = Effect.fnUntraced(function* (
  webhook: Pick<Receiver, "url" | "format" | "websiteConfigId">,
  secrets: ReadonlyArray<string>,
  id: string,
  payload: string
) {
  const client = yield* OutwardClient
  const body = webhook.format === "slack" ? slackBody(payload) : payload
  const signed = signatureHeaders({ id, sentAt: yield* Clock.currentTimeMillis, body }, secrets)
  return yield* client.post(
    webhook.websiteConfigId,
    webhook.url,
    { ...signed, "content-type": "application/json", "user-agent": "hydracore-edge" },
    body
  )
})
