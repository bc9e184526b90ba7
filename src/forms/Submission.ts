/**
 * A form submission, the fields that are read from its data, and its idempotency. Reserved fields, whose names begin with
 * `hydracore_`, are for this service: they are not stored. Pure: times and ids are arguments.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Schema } from "effect"
import type { Attribution } from "../analytics/Lead.ts"
import { ConversationId, InstanceId, type SubmissionId, type WebsiteConfigId } from "../platform/Id.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import * as Json from "../platform/text/Json.ts"

export const statuses = ["accepted", "quarantined"] as const

/** Exports and mails leave quarantined submissions out unless they are requested. */
export type Status = (typeof statuses)[number]

/** A stored submission. */
export interface Submission {
  readonly submissionId: SubmissionId
  readonly websiteConfigId: WebsiteConfigId
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly email: string | null
  readonly pageSlug: string | null
  /**
   * The `form_data` object as JSON text, without reserved fields. Its JSON tokens are as they were sent, without white space
   * between them. Large numbers, NUL characters, lone surrogates and `__proto__` keys are thus preserved.
   */
  readonly formData: string
  readonly status: Status
  /** The `SpamReason`s of its score. A release does not clear them. */
  readonly reasons: ReadonlyArray<string>
  /** Where its visit came from; `Lead.noAttribution` until the visit is found. */
  readonly attribution: Attribution
}

/** The conversation in which a submission was written. It may not exist any more, and a client may name any. */
export interface ConversationLink {
  readonly instanceId: InstanceId
  readonly conversationId: ConversationId
}

/** A submission to be stored. */
export interface SubmissionDraft extends Omit<Submission, "attribution"> {
  /** The hashes of its sender, if it is a lead; else none. Not stored with the submission: see `Leads`. */
  readonly visitorHashes: ReadonlyArray<string>
  /** Null or absent if the submission was not written in a chat. */
  readonly conversation?: ConversationLink | null
  /** The client's `Idempotency-Key` and the submission's `fingerprint`; null if the client sent no key. */
  readonly idempotency: { readonly key: string; readonly fingerprint: string } | null
}

const prefix = "hydracore_"

export const isReserved = (name: string): boolean => name.startsWith(prefix)

/** The reserved fields by which spam is recognized. */
export interface Hints {
  /** `hydracore_hp`: whether the hidden field was filled in. */
  readonly honeypot: boolean
  /** `hydracore_ms`: the milliseconds between the form's appearance and its submission; null if they were not measured. */
  readonly millis: number | null
}

/** Blank texts, null, false and undefined count as not filled in. */
export const isFilled = (value: unknown): boolean =>
  typeof value === "string" ? value.trim() !== "" : value !== undefined && value !== null && value !== false

const millisOf = (value: unknown): number | null => {
  const number = typeof value === "string" && /^\s*[0-9]{1,15}(?:\.[0-9]{1,9})?\s*$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) && number >= 0 ? number : null
}

/**
 * `hydracore_conversation`: the conversation in which the form was filled in, as an instance's id, a space, and the conversation's id.
 * Null if there is none, or if the ids cannot be those of a conversation.
 */
export const conversationOf = (fields: Readonly<Record<string, unknown>>): ConversationLink | null => {
  const named = fields["hydracore_conversation"]
  if (typeof named !== "string") return null
  const [instanceId = "", conversationId = "", ...more] = named.split(" ", 3)
  return more.length === 0 && Schema.is(InstanceId)(instanceId) && Schema.is(ConversationId)(conversationId)
    ? { instanceId, conversationId }
    : null
}

/** `hydracore_leads`: whether the form may be linked to a visit. */
export const allowsLead = (fields: Readonly<Record<string, unknown>>): boolean => fields["hydracore_leads"] !== "off"

export const hintsOf = (fields: Readonly<Record<string, unknown>>): Hints => ({
  honeypot: isFilled(fields["hydracore_hp"]),
  millis: millisOf(fields["hydracore_ms"])
})

/**
 * A form's data without its reserved fields. All other tokens are kept as they are.
 *
 * @param text the JSON text of an object, without white space between its tokens.
 * @param fields the parsed object.
 */
export const withoutReserved = (text: string, fields: Readonly<Record<string, unknown>>): string =>
  Object.keys(fields).some(isReserved)
    ? `{${Json.members(text)
        .filter(({ name }) => !isReserved(name))
        .map(({ key, value }) => `${key}:${value}`)
        .join(",")}}`
    : text

/**
 * The JSON texts of each member's values, in the order of the members' first appearance. A repeated member has several values.
 */
export const valueTexts = (text: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const texts = new Map<string, Array<string>>()
  for (const { name, value } of Json.members(text)) {
    const before = texts.get(name)
    if (before === undefined) texts.set(name, [value])
    else before.push(value)
  }
  return texts
}

/**
 * A form's parsed data, in which a repeated member has the list of all its values rather than the last value, since all are
 * stored and shown to the owner. Values that are lists are joined.
 *
 * @param text the JSON text of an object.
 * @param fields the parsed object.
 */
export const withAllValues = (
  text: string,
  fields: Readonly<Record<string, unknown>>
): Readonly<Record<string, unknown>> => {
  const repeated = [...valueTexts(text)].filter(([, values]) => values.length > 1)
  return repeated.length === 0
    ? fields
    : Object.fromEntries([
        ...Object.entries(fields),
        ...repeated.map(([name, values]) => [name, values.flatMap((value): unknown => JSON.parse(value))] as const)
      ])
}

/** How long a deleted submission can be restored. */
export const restorableMillis = 30 * dayMillis

/** How long an `Idempotency-Key` is valid. */
export const idempotencyWindowMillis = dayMillis

/**
 * The SHA-256 (hexadecimal) of a submission's content. It distinguishes a retry from a different submission with the same key.
 */
export const fingerprint = (
  submission: Pick<Submission, "websiteConfigId" | "email" | "pageSlug" | "formData">
): string =>
  hash(
    "sha256",
    JSON.stringify([submission.websiteConfigId, submission.email, submission.pageSlug, submission.formData])
  )
