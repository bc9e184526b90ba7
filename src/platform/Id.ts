/**
 * The ids of what is stored: canonical UUIDs, each of its own type, so that an id of one kind cannot stand for another. They are
 * decoded once, in paths, bodies, inputs of commands and rows; what takes one does not check it again.
 *
 * @module
 */
import { Schema } from "effect"
import { canonical } from "./text/Uuid.ts"

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

export const SubmissionId = Uuid.pipe(Schema.brand("SubmissionId"))
export type SubmissionId = typeof SubmissionId.Type

export const InstanceId = Uuid.pipe(Schema.brand("InstanceId"))
export type InstanceId = typeof InstanceId.Type

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
