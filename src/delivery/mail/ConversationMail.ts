/**
 * What a mail says of a conversation that began or got no answer. Pure.
 *
 * @module
 */
import type { ConversationKey } from "../../chat/conversations/Conversation.ts"
import * as MailText from "./MailText.ts"
import type { Content, Part } from "./Message.ts"

/** A conversation in a mail. */
export interface MailedConversation extends ConversationKey {
  /** The name of its instance. */
  readonly assistant: string
  /** The visitor's first message. */
  readonly question: string
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** The path of the page on which it began; null until its visit is found. */
  readonly page: string | null
  /** Whether the visitor's latest question got no answer. */
  readonly isUnanswered: boolean
}

/** The conversations of a mail. */
export interface MailedConversations {
  /** The first ones, oldest first. */
  readonly shown: ReadonlyArray<MailedConversation>
  /** The number of all. */
  readonly count: number
}

export const none: MailedConversations = { shown: [], count: 0 }

/** The maximum length of a question, alone and among others, in UTF-16 units. */
const limits = { one: 8_000, several: 300 }

/** A mail about one conversation. Does not show its id, with which a widget reads and continues the conversation. */
export const single = (website: MailText.Website, conversation: MailedConversation): Content => {
  const { assistant, isUnanswered, page, question, startedAt } = conversation
  const name = MailText.websiteName(website.name, 200)
  const title = isUnanswered ? "A visitor got no answer" : "A visitor began a conversation"
  return {
    subject: MailText.subject(title, website.name),
    website: name,
    title,
    parts: [
      { kind: "fields", fields: [["Question", MailText.block(question, limits.one)]] },
      ...(isUnanswered
        ? [
            {
              kind: "paragraph",
              text: "If the visitor left an address, it arrives as a submission, and you can reply to it."
            } as const
          ]
        : []),
      {
        kind: "facts",
        fields: [
          ["Began", MailText.moment(startedAt, website.timeZone)],
          ...(page === null ? [] : [["Page", MailText.line(page, 200)] as const]),
          ["Assistant", MailText.websiteName(assistant, 200)]
        ]
      }
    ],
    reason: MailText.reasonOf(website),
    replyTo: null
  }
}

/** One of several conversations in a mail. */
export const record = (
  { timeZone }: MailText.Website,
  { assistant, isUnanswered, page, question, startedAt }: MailedConversation
): Part => ({
  kind: "record",
  title: isUnanswered ? "A visitor got no answer" : "Conversation",
  note: `${MailText.moment(startedAt, timeZone)}${page === null ? "" : ` · ${MailText.line(page, 100)}`}`,
  fields: [
    ["Question", MailText.block(question, limits.several)],
    ["Assistant", MailText.websiteName(assistant, 100)]
  ]
})

/** `2 conversations`, or `2 unanswered conversations` if all of them are. */
export const counted = ({ count, shown }: MailedConversations): string => {
  const areUnanswered = count === shown.length && shown.every(({ isUnanswered }) => isUnanswered)
  return MailText.counted(count, areUnanswered ? "unanswered conversation" : "conversation")
}
