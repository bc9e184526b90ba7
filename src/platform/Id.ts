/**
 * The ids of what is stored: canonical UUIDs, each of its own type, so that an id of one kind cannot stand for another. They are
 * decoded once, in paths, bodies, inputs of commands and rows; what takes one does not check it again. Pure.
 *
 * @module
 */
import { Result, Schema } from "effect"

/** The canonical form: lower case, with hyphens. */
export const canonical = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Recognizes the canonical form, which nearly all clients send, faster than `parseUuid`. */
export const isCanonicalUuid = (text: string): boolean => canonical.test(text)

const Uuid = Schema.String.annotate({ format: "uuid" }).check(
  Schema.isPattern(canonical, { expected: "a canonical UUID", toJsonSchema: () => ({}) })
)

/** The public id of a website, which form submissions name. */
export const WebsiteConfigId = Uuid.pipe(Schema.brand("WebsiteConfigId"))
export type WebsiteConfigId = typeof WebsiteConfigId.Type

/** The internal id of a website, under which page views are stored. */
export const HostedWebsiteId = Uuid.pipe(Schema.brand("HostedWebsiteId"))
export type HostedWebsiteId = typeof HostedWebsiteId.Type

/** The public token of a website, which page views name. */
export const TrackingToken = Uuid.pipe(Schema.brand("TrackingToken"))
export type TrackingToken = typeof TrackingToken.Type

export const GoalId = Uuid.pipe(Schema.brand("GoalId"))
export type GoalId = typeof GoalId.Type

export const ShareId = Uuid.pipe(Schema.brand("ShareId"))
export type ShareId = typeof ShareId.Type

export const KeyId = Uuid.pipe(Schema.brand("KeyId"))
export type KeyId = typeof KeyId.Type

export const SessionId = Uuid.pipe(Schema.brand("SessionId"))
export type SessionId = typeof SessionId.Type

/** The id of a person who logs in to the console. */
export const PersonId = Uuid.pipe(Schema.brand("PersonId"))
export type PersonId = typeof PersonId.Type

export const SubmissionId = Uuid.pipe(Schema.brand("SubmissionId"))
export type SubmissionId = typeof SubmissionId.Type

/** The id of what a website's owner marked as spam. */
export const SpamMarkId = Uuid.pipe(Schema.brand("SpamMarkId"))
export type SpamMarkId = typeof SpamMarkId.Type

export const InstanceId = Uuid.pipe(Schema.brand("InstanceId"))
export type InstanceId = typeof InstanceId.Type

/** The id of a conversation of an instance: a UUID, or a keyed hash. */
export const ConversationId = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9_-]{1,64}$/)).pipe(
  Schema.brand("ConversationId")
)
export type ConversationId = typeof ConversationId.Type

/** The id of a message of a stored conversation: of a visitor's message or of an answer, which the service makes. */
export const MessageId = Uuid.pipe(Schema.brand("MessageId"))
export type MessageId = typeof MessageId.Type

/** The id of a widget token, not the token itself. */
export const TokenId = Uuid.pipe(Schema.brand("TokenId"))
export type TokenId = typeof TokenId.Type

export const WebhookId = Uuid.pipe(Schema.brand("WebhookId"))
export type WebhookId = typeof WebhookId.Type

/** The id of an event in the outbox, which its deliveries share. */
export const EventId = Uuid.pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

export const NotificationId = Uuid.pipe(Schema.brand("NotificationId"))
export type NotificationId = typeof NotificationId.Type

export const ReplyId = Uuid.pipe(Schema.brand("ReplyId"))
export type ReplyId = typeof ReplyId.Type

const notInUuid = /[^0-9a-f-]/iu
const groupLengths = [8, 4, 4, 4, 12]

const group = (digits: string): string =>
  `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`

const fromHyphenated = (text: string): Result.Result<string, string> => {
  const groups = text.split("-")
  if (groups.length !== 5) return Result.fail(`invalid group count: expected 5, found ${groups.length}`)
  for (const [index, digits] of groups.entries()) {
    if (digits.length !== groupLengths[index]) {
      return Result.fail(
        `invalid group length in group ${index}: expected ${groupLengths[index]}, found ${digits.length}`
      )
    }
  }
  return Result.succeed(text.toLowerCase())
}

/**
 * Parses a UUID of any version and variant to its canonical form: lower case, with hyphens. The input is 32 digits,
 * `with-hyphens`, `{with-hyphens}` or `urn:uuid:with-hyphens`. Fails with a message for the client; the message is part of the
 * contract.
 */
export const parseUuid = (input: string): Result.Result<string, string> => {
  const text =
    input.length === 45 && input.startsWith("urn:uuid:")
      ? input.slice(9)
      : input.length === 38 && input.startsWith("{") && input.endsWith("}")
        ? input.slice(1, -1)
        : input
  const stray = notInUuid.exec(text)
  if (stray !== null) {
    return Result.fail(
      "invalid character: expected an optional prefix of `urn:uuid:` followed by [0-9a-fA-F-], " +
        `found \`${stray[0]}\` at ${[...text.slice(0, stray.index)].length + 1}`
    )
  }
  if (text.includes("-")) return fromHyphenated(text)
  if (text.length === 32 && text === input) return Result.succeed(group(text.toLowerCase()))
  return Result.fail(`invalid length: expected length 32 for simple format, found ${text.length}`)
}
