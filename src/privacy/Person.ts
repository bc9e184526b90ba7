/**
 * Finds a person's data by an email address, formats it as JSON, and deletes it with the service that `privacy/postgres/Persons`
 * implements.
 *
 * A submission belongs to a person if its email or a name or value of its form contains the address, a conversation if one of
 * its messages or comments does, a notification if its mails go to the address, and an account if the person logs in with it. The case of
 * letters does not matter, nor whether the address is percent-encoded or written with character references. Page views and events are
 * not searched: see `analytics/PageView`.
 *
 * Nothing is indexed by address. Each call of the service therefore reads all records of the queried kinds and websites once.
 *
 * @module
 */
import { Context, type Effect, Option, Record, Schema, type Stream } from "effect"
import * as Transcript from "../chat/conversations/Transcript.ts"
import type { DeliveryStatus } from "../delivery/Delivery.ts"
import type { StoredNotification } from "../delivery/mail/Notification.ts"
import type { Reply } from "../delivery/mail/Reply.ts"
import type { SpamMark } from "../forms/Inbox.ts"
import type { Submission } from "../forms/Submission.ts"
import * as SubmissionExport from "../forms/SubmissionExport.ts"
import type { InstanceId, PersonId, SessionId, WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { iso } from "../platform/text/Calendar.ts"
import * as Json from "../platform/text/Json.ts"
import * as TerminalText from "../platform/text/TerminalText.ts"
import * as Text from "../platform/text/Text.ts"
import type { GrantedRole } from "../sites/access/Person.ts"

/** The kinds of data that are searched. Their deliveries are found with them. */
export const kinds = ["submission", "conversation", "notification", "spam_mark", "account"] as const

export type Kind = (typeof kinds)[number]

/** The delivery of a submission or conversation to a subscriber of its website. */
export interface FoundDelivery {
  readonly eventId: string
  readonly subscriberId: string
  readonly type: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly status: DeliveryStatus
  /** JSON text. */
  readonly payload: string
}

/** A person who logs in to the console, or an invitation that was not opened yet. */
export interface FoundAccount {
  /** Null for an invitation. */
  readonly person_id: PersonId | null
  /** The id of an invitation; null for a person. */
  readonly session_id: SessionId | null
  readonly email: string
  readonly name: string | null
  /** ISO 8601. */
  readonly created_at: string
  /** When the person first opened a link that was mailed to the address, in ISO 8601; null if that never happened. */
  readonly confirmed_at: string | null
  readonly roles: ReadonlyArray<GrantedRole>
  /** The browsers in which the person is logged in. */
  readonly devices: ReadonlyArray<string>
}

/** A stored record with data of a person. */
export type PersonRecord =
  | {
      readonly kind: "submission"
      readonly submission: Submission
      /** The replies that were mailed to its sender. */
      readonly replies: ReadonlyArray<Reply>
    }
  | { readonly kind: "conversation"; readonly instanceId: InstanceId; readonly conversation: Transcript.Transcript }
  | { readonly kind: "notification"; readonly notification: StoredNotification }
  | { readonly kind: "spam_mark"; readonly mark: SpamMark & { readonly website_config_id: WebsiteConfigId } }
  | { readonly kind: "account"; readonly account: FoundAccount }
  | { readonly kind: "delivery"; readonly delivery: FoundDelivery }

/**
 * The numbers of records that were deleted. Of a delivery only the data is deleted; a notification's mails are deleted with
 * it.
 */
export const Erased = Schema.Struct({
  submissions: Schema.Int,
  conversations: Schema.Int,
  notifications: Schema.Int,
  spam_marks: Schema.Int,
  /** People who log in to the console, and invitations; only of a deletion on all websites. */
  accounts: Schema.Int.annotate({ description: "0: people who log in to the console are removed under Sharing" }),
  deliveries: Schema.Int
})

export type Erased = typeof Erased.Type

/** Lower case, except for the two letters outside ASCII whose lower case contains an ASCII letter; see `needleOf`. */
const fold = (text: string): string => text.replace(/[^\u0130\u212A]+/g, (part) => part.toLowerCase())

/** The maximum length of an address, in UTF-16 units. */
const maxLength = 320

/** Trims and folds an address. The other functions require addresses in this form. None if the text is not an address. */
export const parse = (text: string): Option.Option<string> =>
  Option.liftPredicate(
    fold(text.trim()),
    (address) =>
      address.length <= maxLength && address.isWellFormed() && /^[^\s\p{Cc}"\\@]+@[^\s\p{Cc}"\\@]+$/u.test(address)
  )

/**
 * The longest run of printable ASCII characters in an address. A text that contains the address, in upper or lower case,
 * contains this run once the text's ASCII letters are lower case.
 */
export const needleOf = (address: string): string =>
  (address.match(/[!-~]+/g) ?? []).reduce((longest, part) => (part.length > longest.length ? part : longest), "")

/** The texts in a parsed JSON value, at any depth. */
function* textsOf(json: unknown): Generator<string> {
  const left = [json]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value === "string") yield value
    else if (typeof value === "object" && value !== null) for (const member of Object.values(value)) left.push(member)
  }
}

/** Whether the email or a name or value of the form contains the address. Every value of a repeated member counts. */
export const hasSubmitted = ({ email, formData }: Pick<Submission, "email" | "formData">, address: string): boolean => {
  if (email !== null && isMentioned(email, address)) return true
  let isFound = false
  // The tokens, because `JSON.parse` drops all but the last of repeated members, and all repeated members are stored.
  Json.scan(formData, (start, end) => {
    if (isFound || formData[start] !== '"') return
    isFound = isMentioned(JSON.parse(formData.slice(start, end)), address)
  })
  return isFound
}

/** How far around a match to look for the rest of a longer address, in UTF-16 units. */
const contextLength = 64

/** How many times a text is decoded: a URL within a URL is encoded twice. */
const maxDecodings = 3

/** Decodes the percent-encoded characters and the numeric character references of a text, and leaves the rest as it is. */
const decoded = (text: string): string =>
  text
    .replace(/(?:%[0-9a-f]{2})+/gi, (part) => Text.decodePercent(part) ?? part)
    .replace(/&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));/gi, (part, hex?: string, decimal?: string) => {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return code <= 0x10_ffff ? String.fromCodePoint(code) : part
    })

/** Whether a text may contain encoded characters. An SQL condition of the same meaning: `privacy/postgres/Store`. */
const mayBeEncoded = (text: string): boolean => text.includes("%") || text.includes("&#")

/**
 * Whether a text contains the address, also percent-encoded as in URLs or with character references as in HTML, other than as
 * part of a longer address, as `joann@example.com` contains `ann@example.com`.
 */
export const isMentioned = (text: string, address: string): boolean => {
  let current = text
  for (let times = 0; times <= maxDecodings; times++) {
    if (isWritten(current, address)) return true
    const next = mayBeEncoded(current) ? decoded(current) : current
    if (next === current) return false
    current = next
  }
  return false
}

const isWritten = (text: string, address: string): boolean => {
  const folded = fold(text)
  for (let at = folded.indexOf(address); at !== -1; at = folded.indexOf(address, at + 1)) {
    const before = folded.slice(Math.max(0, at - contextLength), at)
    const after = folded.slice(at + address.length, at + address.length + contextLength)
    if (!/[\p{L}\p{N}][._%+'-]*$/u.test(before) && !/^[.-]?[\p{L}\p{N}]/u.test(after)) return true
  }
  return false
}

/** Whether a message or a comment contains the address. */
export const isInConversation = ({ messages }: Pick<Transcript.Transcript, "messages">, address: string): boolean =>
  messages.some(({ comment = null, parts }) => {
    for (const text of textsOf([comment, parts])) if (isMentioned(text, address)) return true
    return false
  })

/** Whether the mails of a notification go to the address. */
export const isRecipient = ({ to }: Pick<StoredNotification, "to">, address: string): boolean =>
  fold(to.trim()) === address

export const nothing: Erased = {
  submissions: 0,
  conversations: 0,
  notifications: 0,
  spam_marks: 0,
  accounts: 0,
  deliveries: 0
}

export const add = (one: Erased, other: Erased): Erased => Record.map(one, (count, kind) => count + other[kind])

export interface Query {
  /** As `Person.parse` returns it. */
  readonly address: string
  /** Only what belongs to this website; null for all websites, and for instances without a website. */
  readonly websiteConfigId: WebsiteConfigId | null
  readonly kinds: ReadonlyArray<Kind>
}

export class Persons extends Context.Service<
  Persons,
  {
    /**
     * The records of a person, in constant memory: the submissions of each website, then the conversations and notifications,
     * each oldest first. The deliveries of a record come directly after the record.
     */
    readonly records: (query: Query) => Stream.Stream<PersonRecord, StorageUnavailable>
    /**
     * Deletes these records: submissions as `Inbox.delete` does, conversations as `ConversationStore.delete`
     * does, and notifications as `Notifications.remove` does. If it is interrupted, a second call deletes the rest.
     */
    readonly erase: (query: Query) => Effect.Effect<Erased, StorageUnavailable>
  }
>()("hydracore/privacy/Persons") {}

/** Puts members before those of `object`, which is JSON text, as is the result. */
const prefixed = (members: Readonly<Record<string, string>>, object: string): string =>
  `${JSON.stringify(members).slice(0, -1)},${object.slice(1)}`

/**
 * A record as a JSON object on one line, without a trailing newline. Control and bidirectional characters are escaped, since an
 * export may be shown on a terminal. Written by hand, since a form's data and a payload are the text that was received, which a
 * schema would parse: numbers of many digits and repeated members would be lost.
 */
export const exportLine = (record: PersonRecord): string => {
  const { kind } = record
  switch (kind) {
    case "submission": {
      const { replies, submission } = record
      const members = { kind, website_config_id: submission.websiteConfigId }
      const object = prefixed(members, SubmissionExport.json(submission))
      return replies.length === 0
        ? object
        : TerminalText.inertJson(`${object.slice(0, -1)},"replies":${JSON.stringify(replies)}}`)
    }
    case "conversation":
      return prefixed({ kind, instance_id: record.instanceId }, Transcript.json(record.conversation))
    case "notification":
      return TerminalText.inertJson(JSON.stringify({ kind, ...record.notification }))
    case "spam_mark":
      return TerminalText.inertJson(JSON.stringify({ kind, ...record.mark }))
    case "account":
      return TerminalText.inertJson(JSON.stringify({ kind, ...record.account }))
    case "delivery": {
      const { createdAt, eventId, payload, status, subscriberId, type } = record.delivery
      const members = { kind, event_id: eventId, subscriber_id: subscriberId, type, created_at: iso(createdAt), status }
      return TerminalText.inertJson(prefixed(members, `{"payload":${payload}}`))
    }
  }
}
