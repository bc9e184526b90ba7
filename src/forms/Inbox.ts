/**
 * The submissions of a website as its owner reads them, what the owner marked as spam, and the service that reads and changes both; see
 * `forms/postgres/Inbox`. A submission of another website is treated as one that does not exist.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema, type Stream } from "effect"
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import { type ConversationId, SpamMarkId, type SubmissionId, type WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import type { Part, Position } from "../platform/text/Cursor.ts"
import * as Json from "../platform/text/Json.ts"
import type { Access } from "../sites/access/Access.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as FormSender from "./FormSender.ts"
import { type ConversationLink, type Status, type Submission, statuses } from "./Submission.ts"

/** A submission, and whether its owner has marked it as read. */
export interface Message extends Submission {
  readonly isRead: boolean
  /** The conversation in which it was written; null for none. */
  readonly conversation: ConversationLink | null
  /** The latest reply that a person mailed to its sender; null for none. A reply that failed is none. */
  readonly answer: Answer | null
  /** When it was deleted, in milliseconds since 1970; null unless it was. */
  readonly deletedAt: number | null
}

export interface Answer {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The name of the person, if it is known. */
  readonly by: string | null
}

/** A submission in a list. */
export interface Summary extends Omit<Message, "formData"> {
  /** The sender's name; see `senderOf`. */
  readonly name: string | null
  /** The beginning of what was written; see `preview`. */
  readonly preview: string
}

/** Selects submissions for a list. An absent member selects all. */
export interface Filter {
  /** Selects deleted submissions instead of the others. */
  readonly isDeleted?: boolean | undefined
  readonly status?: Status | undefined
  readonly isRead?: boolean | undefined
  readonly pageSlug?: string | undefined
  /** The conversation in which it was written. */
  readonly conversationId?: ConversationId | undefined
  /** A text that occurs in the email address, the page or the form's data. ASCII letters match in either case. */
  readonly search?: string | undefined
  /** Milliseconds since 1970, inclusive. */
  readonly since?: number | undefined
  /** Milliseconds since 1970, exclusive. */
  readonly before?: number | undefined
}

/** What a list can be limited to. */
export const listStatuses = [...statuses, "deleted"] as const

type ListStatus = (typeof listStatuses)[number]

/** The query of a list, as its URL has it. */
export interface InboxQuery {
  readonly status?: ListStatus
  readonly read?: "true" | "false"
  /** The slug of the page with the form. */
  readonly page?: string
  readonly conversation?: ConversationId
  readonly search?: string
  /** The first and the last day, `YYYY-MM-DD`, in the website's time zone. */
  readonly from?: string
  readonly to?: string
}

/** The filter of a query, with days in the website's time zone. */
export const toFilter = (
  { conversation, from, page, read, search, status, to }: InboxQuery,
  timeZone: string
): Filter => ({
  isDeleted: status === "deleted",
  status: status === "deleted" ? undefined : status,
  isRead: read === undefined ? undefined : read === "true",
  pageSlug: page,
  conversationId: conversation,
  search,
  ...LocalTime.boundsOf({ from, to }, timeZone)
})

/** The maximum of each count in an `Overview`. */
export const maxCount = 1_000

export interface Overview {
  /** Accepted submissions that are not marked as read, among the latest `maxCount`. */
  readonly unread: number
  /** At most `maxCount`. */
  readonly quarantined: number
  /** The pages of the latest `maxCount` submissions, sorted. */
  readonly pages: ReadonlyArray<string>
}

/** The maximum number of submissions that one part of a list searches. */
export const windowSize = 2_000

export const positionOf = ({
  receivedAt,
  submissionId
}: Pick<Submission, "receivedAt" | "submissionId">): Position => ({
  time: receivedAt,
  id: submissionId
})

/** What a search looks for: in texts, and in JSON, where a character may be written as an escape. */
export interface Needles {
  readonly text: string
  readonly json: ReadonlyArray<string>
}

export const needlesOf = (search: string): Needles => ({ text: search, json: Json.needlesOf(search) })

/** The number of characters at the beginning of a form's data that `preview` gets. */
export const maxPreviewSource = 4_096

const maxPreview = 200

/**
 * A JSON string, with the colon after the name of a member. If the source ends within the string, even within an escape, the
 * pattern matches what is there. It matches at every quote: if it could fail, the search would continue at the next quote of the
 * same string, and take quadratic time.
 */
const string = /"((?:[^"\\]|\\u[0-9a-fA-F]{4}|\\[^u])*)("?:?)/g

/** The members with strings as values, at any depth. Their escapes are not decoded. */
const textMembers = function* (source: string): Generator<readonly [name: string, text: string]> {
  let name = ""
  let valueAt = -1
  for (const match of source.matchAll(string)) {
    const [whole, escaped = "", end] = match
    if (match.index === valueAt) yield [name, escaped]
    name = escaped
    valueAt = end === '":' ? match.index + whole.length : -1
  }
}

/** A decoded text on one line. */
const lineOf = (escaped: string): string =>
  (JSON.parse(`"${escaped}"`) as string).toWellFormed().replace(/\s+/g, " ").trim()

const maxName = 100

const cut = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max - 1).toWellFormed()}…` : text

/** Whether a trimmed line looks like an email address, valid or not. */
const isEmailAddress = (line: string): boolean => !line.includes(" ") && line.slice(1, -1).includes("@")

/**
 * The sender's name on one line of at most `maxName` characters; null if the form has none.
 *
 * @param source as for `preview`
 */
export const senderOf = (source: string): string | null => {
  const names = Array.from(textMembers(source.slice(0, maxPreviewSource))).filter(([name]) => FormSender.isName(name))
  const found = FormSender.nameIn(names.map(([name, text]) => [name, lineOf(text)]))
  return found === null ? null : cut(found, maxName)
}

/**
 * The texts of a form on one line of at most `maxPreview` characters, the message first, without email addresses and the
 * sender's name. Takes time linear in the source.
 *
 * @param source the beginning of the JSON text of an object, without white space between its tokens.
 */
export const preview = (source: string): string => {
  const messages: Array<string> = []
  const others: Array<string> = []
  let length = 0
  for (const [name, escaped] of textMembers(source)) {
    if (FormSender.isName(name)) continue
    const isMessage = FormSender.isMessage(name)
    if (length > maxPreview && !isMessage) continue
    const line = lineOf(escaped)
    if (line === "" || isEmailAddress(line)) continue
    if (isMessage) messages.push(line)
    else {
      others.push(line)
      length += line.length + 3
    }
    if (messages.length > 0 && messages.join().length > maxPreview) break
  }
  return cut([...messages, ...others].join(" · "), maxPreview)
}

export const toSummary = ({ formData, ...message }: Message): Summary => ({
  ...message,
  name: senderOf(formData),
  preview: preview(formData.slice(0, maxPreviewSource))
})

/** A field of a form: a text, or the JSON text of any other value. */
export interface Field {
  readonly name: string
  readonly type: "text" | "json"
  readonly value: string
}

/** The fields of a form in order, repeated ones included. */
export const fieldsOf = (formData: string): ReadonlyArray<Field> =>
  Json.members(formData).map(({ name, value }) =>
    value.startsWith('"') ? { name, type: "text", value: JSON.parse(value) as string } : { name, type: "json", value }
  )

/** Marks of spam, for documents. */
export const markExamples = [
  {
    mark_id: SpamMarkId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"),
    email: "sales@spam.example",
    text: "We bring your website to the first page",
    created_at: "2026-11-01T09:00:00.000Z"
  }
] as const

/**
 * A mark of spam: an address or a text. Later submissions with one of them are quarantined (see `SpamScore.isMarked`), until the mark is
 * taken back or is `markKeptMillis` old. The address is stored, because the owner must recognise it in the list. Of the text, only a
 * digest and its beginning are.
 */
export const SpamMark = Schema.Struct({
  mark_id: SpamMarkId,
  email: Schema.NullOr(Schema.String).annotate({ description: "The address, in lower case; null if there was none" }),
  text: Schema.NullOr(Schema.String).annotate({
    description: "The beginning of the text; null if it was too short to recognise, so that only the address is held"
  }),
  created_at: Fields.time
}).annotate({
  identifier: "SpamMark",
  examples: markExamples
})

export type SpamMark = typeof SpamMark.Type

/** How long a mark is kept after it was made for the last time. */
export const markKeptMillis = 365 * dayMillis

/** Changes submissions, and returns the ids of those that exist. A change that was made before has no effect. */
type Change<Arguments extends ReadonlyArray<unknown> = []> = (
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<SubmissionId>,
  ...more: Arguments
) => Effect.Effect<ReadonlyArray<SubmissionId>, StorageUnavailable>

export class Inbox extends Context.Service<
  Inbox,
  {
    /**
     * At most `limit` submissions of websites, latest first: without the deleted ones, unless the filter selects these. Searches at
     * most `windowSize` submissions, so a part that is not the last may have fewer than `limit`, or none.
     */
    readonly list: (query: {
      readonly sites: Access["sites"]
      readonly filter: Filter
      /** The last submission of the previous part; null for the first part. */
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Part<Summary>, StorageUnavailable>
    /** Also finds deleted submissions. */
    readonly find: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId
    ) => Effect.Effect<Option.Option<Message>, StorageUnavailable>
    /** All submissions that match, latest first, in constant memory. */
    readonly stream: (websiteConfigId: WebsiteConfigId, filter: Filter) => Stream.Stream<Message, StorageUnavailable>
    readonly overview: (websiteConfigId: WebsiteConfigId) => Effect.Effect<Overview, StorageUnavailable>
    /** Marks submissions as read, or as unread. */
    readonly mark: Change<[isRead: boolean]>
    /** Accepts quarantined submissions, and takes back the marks of spam that hold them. */
    readonly release: Change
    /**
     * Deletes submissions, which can be restored for `restorableMillis`, and their idempotency keys, whose digests could confirm a guess
     * of the content. A key can then be used again: the next submission with it is stored under a new id, since the old id would
     * acknowledge a submission that no longer exists.
     */
    readonly delete: Change
    /** Restores deleted submissions. */
    readonly restore: Change
    /** Deletes submissions for good that were deleted before. Does not find the others. */
    readonly purge: Change
    /**
     * Marks submissions as spam: quarantines them, and those with the same address or the same text from now on. Every process sees
     * a mark within a second. Returns the ids of those that exist. Fails beyond `Maximums.spamMarks`, and then changes nothing.
     */
    readonly markSpam: (
      websiteConfigId: WebsiteConfigId,
      submissionIds: ReadonlyArray<SubmissionId>
    ) => Effect.Effect<ReadonlyArray<SubmissionId>, StorageUnavailable | LimitReached>
    /** The marks of spam of a website, latest first. */
    readonly spamMarks: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<SpamMark>, StorageUnavailable>
    /** Takes a mark back. The submissions that it held stay in the quarantine. False if the website has no such mark. */
    readonly removeSpamMark: (
      websiteConfigId: WebsiteConfigId,
      markId: SpamMarkId
    ) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/forms/Inbox") {}
