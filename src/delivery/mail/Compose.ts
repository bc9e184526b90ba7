/**
 * Makes a mail from its content. Pure.
 *
 * @module
 */
import type { Mailbox } from "../../platform/text/MailAddress.ts"
import { htmlBody } from "./HtmlBody.ts"
import * as MailText from "./MailText.ts"
import type { Content, Message } from "./Message.ts"
import { plainBody } from "./PlainBody.ts"

/** The maximum length of a subject, in UTF-16 units. */
const maxSubject = 150

/** What a mail has besides its content. */
export interface Envelope extends Pick<Message, "mailId" | "to" | "createdAt" | "unsubscribeUrl"> {
  readonly from: Mailbox
}

export const compose = (content: Content, envelope: Envelope): Message => ({
  ...envelope,
  replyTo: content.replyTo,
  subject: MailText.line(content.subject, maxSubject),
  text: plainBody(content, envelope.unsubscribeUrl),
  html: htmlBody(content, envelope.unsubscribeUrl)
})
