/**
 * A reply that a person of a website mails to a visitor, or that a form mails automatically, the content of its mail, and the service
 * that stores replies until they are sent, and afterwards with their submissions; see `delivery/mail/postgres/Replies`.
 * `MailDispatcher` sends them.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { ReplyId, type SubmissionId, type WebsiteConfigId } from "../../platform/Id.ts"
import type { RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Text from "../../platform/text/Text.ts"
import * as Fields from "../../sites/access/Fields.ts"
import type { AutoReply, NewAutoReply } from "./AutoReply.ts"
import type { MailSettlement } from "./Mail.ts"
import * as MailText from "./MailText.ts"
import type { Content } from "./Message.ts"

/** The maximum length of a reply, in UTF-16 units. */
export const maxText = 10_000

/** The limits of replies: of a website, because they go to people outside of it, and of one visitor of the website. */
export const limits = {
  website: { name: "reply", limit: 60, windowMillis: Calendar.hourMillis },
  recipient: { name: "replyto", limit: 5, windowMillis: Calendar.hourMillis }
} satisfies Record<string, RateLimitPolicy>

/** Parses the text of a reply, and removes white space around it. */
export const parseText = Text.parser(maxText)

export const statuses = ["pending", "sent", "failed"] as const

export const Reply = Schema.Struct({
  reply_id: ReplyId,
  created_at: Fields.time,
  author: Schema.NullOr(Schema.String).annotate({ description: "The name of the person who replied, if it is known" }),
  reply_to: Schema.String.annotate({ description: "The address that gets the visitor's answer" }),
  to: Schema.String.annotate({ description: "The visitor's address" }),
  subject: Schema.NullOr(Schema.String).annotate({
    description: "The subject of an automatic reply; null for a reply that a person wrote"
  }),
  text: Schema.String,
  status: Schema.Literals(statuses).annotate({
    description: "`pending`: the mail server has not accepted the mail yet, and is tried again. `failed`: it never will"
  }),
  error: Schema.NullOr(Schema.String).annotate({ description: "What went wrong in the last attempt" })
})

export type Reply = typeof Reply.Type

/** What a reply is made from. */
export interface ReplyDraft extends Pick<Reply, "author" | "reply_to" | "to" | "text"> {
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** A reply that a process has leased to send it. */
export interface LeasedReply extends Pick<Reply, "reply_id" | "author" | "reply_to" | "to" | "subject" | "text"> {
  /** The number of this attempt, from 1. It identifies the lease. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly site: MailText.Website
  readonly submission: {
    /** Milliseconds since 1970. */
    readonly receivedAt: number
    /** The beginning of what the visitor wrote; see `Inbox.preview`. */
    readonly preview: string
  }
}

/**
 * Whether an automatic reply comes too late to be sent, after a day: the service had no mail server, or the server was down.
 *
 * @param now milliseconds since 1970
 */
export const isTooLate = ({ createdAt, subject }: LeasedReply, now: number): boolean =>
  subject !== null && now - createdAt >= Calendar.dayMillis

const dayIn = MailText.timesAs({ day: "numeric", month: "long", year: "numeric" })

/** The content of the mail. It names nothing that the visitor does not know already, and an automatic one quotes nothing. */
export const content = ({ author, reply_to, site, subject, submission, text }: LeasedReply): Content => {
  const name = MailText.websiteName(site.name, 200)
  // The name of a person without one is the address, which `Reply-To` has.
  const person = author?.includes("@") ? null : author
  const sender = person === null ? name : MailText.websiteName(person, 60)
  const day = dayIn(submission.receivedAt, site.timeZone)
  if (subject !== null) {
    return {
      subject,
      sender: name,
      autoSubmitted: "auto-replied",
      website: name,
      title: MailText.line(subject, 150),
      parts: [{ kind: "paragraph", text: MailText.block(text, maxText) }],
      reason: `You get this mail because your address was entered in a form of ${name} on ${day}. No person wrote it. If you answer it, your answer goes to ${reply_to}.`,
      replyTo: reply_to
    }
  }
  return {
    subject: MailText.subject("Re: your message", site.name),
    sender,
    autoSubmitted: null,
    website: name,
    title: person === null ? "Reply to your message" : `${sender} replied to your message`,
    parts: [
      { kind: "paragraph", text: MailText.block(text, maxText) },
      ...(submission.preview === ""
        ? []
        : [
            {
              kind: "facts",
              fields: [[`You wrote on ${day}`, MailText.block(submission.preview, 200)]]
            } as const
          ])
    ],
    reason: `You get this mail because you left your address on ${name} on ${day}. If you answer this mail, your answer goes to ${reply_to}.`,
    replyTo: reply_to
  }
}

export class Replies extends Context.Service<
  Replies,
  {
    /** Stores a reply to a submission, which is then sent; none if the website has no such submission. */
    readonly add: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId,
      draft: ReplyDraft
    ) => Effect.Effect<Option.Option<Reply>, StorageUnavailable>
    /** The latest 100 replies to a website's submission, oldest first. */
    readonly list: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId
    ) => Effect.Effect<ReadonlyArray<Reply>, StorageUnavailable>
    /** Leases at most `count` replies that are due. Until the lease ends, no other process gets them. */
    readonly lease: (count: number) => Effect.Effect<ReadonlyArray<LeasedReply>, StorageUnavailable>
    /** Records an attempt. Does nothing if the reply was leased again, or has ended. */
    readonly settle: (reply: LeasedReply, settlement: MailSettlement) => Effect.Effect<void, StorageUnavailable>
    /** Sets or replaces the automatic reply of a form; none if there is no such website. */
    readonly putAutomatic: (
      websiteConfigId: WebsiteConfigId,
      reply: NewAutoReply
    ) => Effect.Effect<Option.Option<AutoReply>, StorageUnavailable | LimitReached>
    /** The automatic replies of a website, ordered by page. */
    readonly listAutomatic: (
      websiteConfigId: WebsiteConfigId
    ) => Effect.Effect<ReadonlyArray<AutoReply>, StorageUnavailable>
    /** Deletes the automatic reply of a form; false if it has none. */
    readonly deleteAutomatic: (
      websiteConfigId: WebsiteConfigId,
      page: string
    ) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/delivery/mail/Replies") {}
