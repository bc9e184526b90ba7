/**
 * Makes a mail from its content, as plain text and as HTML. Pure.
 *
 * @module
 */
import type { Mailbox } from "../../platform/text/MailAddress.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { htmlBody } from "./HtmlBody.ts"
import * as MailText from "./MailText.ts"
import type { Content, Field, Message, Part } from "./Message.ts"

/** What a mail has besides its content. */
export interface Envelope extends Pick<Message, "mailId" | "to" | "createdAt" | "unsubscribeUrl"> {
  readonly from: Mailbox
}

/** A value of several lines is indented below its name, so that none of these lines looks like another field. */
const field = ([name, value]: Field): string =>
  value.includes("\n") ? `${name}:\n${value.replace(/^/gm, "    ")}` : `${name}: ${value}`

const write = (part: Part): string => {
  switch (part.kind) {
    case "paragraph":
    case "notice":
    case "command":
      return part.text
    case "fields":
    case "facts":
      return part.fields.map(field).join("\n")
    case "record":
      return [`${part.title} (${part.note})`, ...part.fields.map((one) => field(one).replace(/^/gm, "  "))].join("\n")
    case "figures":
      return part.figures
        .map(({ change, name, value }) => `${name}: ${value}${change === null ? "" : ` (${change})`}`)
        .join("\n")
    case "table":
      return TerminalText.table(part.header, part.rows).trimEnd()
    case "button":
    case "link":
      return `${part.label}: ${part.href}`
  }
}

export const plainBody = (content: Content, unsubscribeUrl: string | null): string =>
  [
    content.website,
    content.title,
    ...content.parts.map(write),
    `-- \n${content.reason}${unsubscribeUrl === null ? "" : `\nTo unsubscribe: ${unsubscribeUrl}`}`
  ].join("\n\n")

export const compose = (content: Content, envelope: Envelope): Message => ({
  ...envelope,
  from: content.sender === undefined ? envelope.from : { ...envelope.from, name: MailText.line(content.sender, 100) },
  autoSubmitted: content.autoSubmitted === undefined ? "auto-generated" : content.autoSubmitted,
  replyTo: content.replyTo,
  subject: MailText.line(content.subject, MailText.maxSubject),
  text: plainBody(content, envelope.unsubscribeUrl),
  html: htmlBody(content, envelope.unsubscribeUrl)
})
