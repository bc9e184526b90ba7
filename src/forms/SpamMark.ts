/**
 * What a website's owner marked as spam: the address and the text of a submission. Later submissions with one of them are
 * quarantined, until the mark is taken back or is `keptMillis` old. Pure.
 *
 * The address is stored, because the owner must recognise it in the list. Of the text, only a digest and its beginning are.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Schema } from "effect"
import { SpamMarkId, type WebsiteConfigId } from "../platform/Id.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as FormSender from "./FormSender.ts"
import * as InboxMessage from "./InboxMessage.ts"
import type { Submission } from "./Submission.ts"

/** For documents. */
export const examples = [
  {
    mark_id: SpamMarkId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"),
    email: "sales@spam.example",
    text: "We bring your website to the first page",
    created_at: "2026-11-01T09:00:00.000Z"
  }
] as const

/** A mark, as the owner API and the commands show it. */
export const SpamMark = Schema.Struct({
  mark_id: SpamMarkId,
  email: Schema.NullOr(Schema.String).annotate({ description: "The address, in lower case; null if there was none" }),
  text: Schema.NullOr(Schema.String).annotate({
    description: "The beginning of the text; null if it was too short to recognise, so that only the address is held"
  }),
  created_at: Fields.time
}).annotate({
  identifier: "SpamMark",
  title: "SpamMark",
  examples
})

export type SpamMark = typeof SpamMark.Type

/** How long a mark is kept after it was made for the last time. */
export const keptMillis = 365 * dayMillis

/** By what a submission is recognised; null where it has nothing to be recognised by. */
export interface Traits {
  readonly email: string | null
  /** The SHA-256 of the text in hexadecimal, with the website's id, so that it cannot be compared between websites. */
  readonly textDigest: string | null
  /** The beginning of the text. */
  readonly text: string | null
}

/** The marks of a website as a submission needs them. */
export interface Marks {
  readonly addresses: ReadonlySet<string>
  readonly textDigests: ReadonlySet<string>
}

export const noMarks: Marks = { addresses: new Set(), textDigests: new Set() }

/** The minimum length of a message, since many people write `Hello`, and of another field, which may be a choice of many people. */
const minLength = { message: 20, other: 80 } as const

/** The maximum length of an address that is kept, in UTF-16 units. */
const maxAddress = 320

/** What is kept of a text. */
const maxText = 100

/** A text without what a sender changes most easily: case, width and white space. */
const normalized = (text: string): string => text.normalize("NFKC").toLowerCase().replace(/\s+/g, " ").trim()

/** The text that a submission is recognised by: the message or, without a field for it, the longest text. */
const textOf = (formData: string): string | null => {
  const texts = InboxMessage.fieldsOf(formData).filter(({ type }) => type === "text")
  const messages = texts.filter(({ name }) => FormSender.isMessage(name)).map(({ value }) => value)
  if (messages.length > 0) {
    const message = messages.join("\n")
    return normalized(message).length >= minLength.message ? message : null
  }
  const longest = texts.reduce((found, { value }) => (value.length > found.length ? value : found), "")
  return normalized(longest).length >= minLength.other ? longest : null
}

export const traitsOf = (
  websiteConfigId: WebsiteConfigId,
  { email, formData }: Pick<Submission, "email" | "formData">
): Traits => {
  const address = email?.trim().toLowerCase() ?? ""
  const text = textOf(formData)
  const line = text
    ?.toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
  return {
    email: address === "" || address.length > maxAddress ? null : address,
    textDigest: text === null ? null : hash("sha256", JSON.stringify([websiteConfigId, normalized(text)])),
    text: line?.slice(0, maxText).toWellFormed() ?? null
  }
}

/** Whether a website's owner marked the submission's address or text as spam. */
export const isMarked = (
  { addresses, textDigests }: Marks,
  websiteConfigId: WebsiteConfigId,
  submission: Pick<Submission, "email" | "formData">
): boolean => {
  if (addresses.size === 0 && textDigests.size === 0) return false
  const { email, textDigest } = traitsOf(websiteConfigId, submission)
  return (email !== null && addresses.has(email)) || (textDigest !== null && textDigests.has(textDigest))
}
