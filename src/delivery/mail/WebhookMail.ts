/**
 * The content of a mail about a webhook that was disabled. Pure.
 *
 * @module
 */
import { hostOf, type Receiver } from "../Webhook.ts"
import type { DisabledWebhook } from "./Mail.ts"
import * as MailText from "./MailText.ts"
import type { Content } from "./Message.ts"

/**
 * The facts of the mail about a webhook that was disabled.
 *
 * @param status the status of the receiver's last answer; null if the last attempt got no answer
 */
export const disabled = (
  { url, webhookId }: Pick<Receiver, "url" | "webhookId">,
  status: number | null
): DisabledWebhook => ({
  webhookId,
  host: hostOf(url),
  isGone: status === 410
})

/** What the mail says. `host` is null if only the operator may know it. */
export interface Facts extends Omit<DisabledWebhook, "host"> {
  readonly host: string | null
}

export const content = (website: MailText.Website, { host, isGone, webhookId }: Facts): Content => {
  const name = MailText.websiteName(website.name, 200)
  const receiver = host === null ? "a receiver that the operator set" : MailText.line(host, 253)
  const title = `The webhook to ${receiver} is disabled`
  return {
    subject: MailText.subject(title, website.name),
    website: name,
    title,
    parts: [
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
    ],
    reason: MailText.reasonOf(website),
    replyTo: null
  }
}
