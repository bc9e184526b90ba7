/**
 * The webhooks of websites, and the service that stores them; see `delivery/postgres/Webhooks`. Those outside the public internet, which
 * only the operator can set, are hidden from owners.
 *
 * @module
 */
import { Context, type Effect, Option, Schema } from "effect"
import { EventId, WebhookId, type WebsiteConfigId } from "../platform/Id.ts"
import * as AddressGuard from "../platform/outward/AddressGuard.ts"
import type { Health } from "../platform/outward/Schedule.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import * as Fields from "../sites/access/Fields.ts"

/** `standard` is Standard Webhooks; `slack` is the message format of Slack's incoming webhooks. */
export const formats = ["standard", "slack"] as const

export type Format = (typeof formats)[number]

const nullableText = Schema.NullOr(Schema.String)

/** A webhook without its secret. */
export const Webhook = Schema.Struct({
  webhook_id: WebhookId,
  url: nullableText.annotate({
    description: "Null without the scope `write`, since a URL may hold a secret, and for a webhook of the operator"
  }),
  host: nullableText.annotate({
    description: "Null for a webhook of the operator: its URL is not on the public internet"
  }),
  events: Schema.Array(Schema.String).annotate({ description: "Empty for all" }),
  format: Schema.Literals(formats),
  created_at: Fields.time,
  failing_since: Fields.nullableTime,
  disabled_at: Fields.nullableTime
})

export type Webhook = typeof Webhook.Type

/** A webhook as it is stored, which not every caller may see: see `shownToOwners`. */
export interface StoredWebhook extends Webhook {
  readonly url: string
  readonly host: string
}

/** The host of a webhook's URL. The rest of the URL may contain a secret. */
export const hostOf = (url: string): string => URL.parse(url)?.host ?? ""

/** Where deliveries are sent, and how its attempts fared. */
export interface Receiver extends Health {
  readonly webhookId: WebhookId
  readonly websiteConfigId: WebsiteConfigId
  readonly url: string
  readonly format: Format
}

const maxUrl = 2_000

/** What is expected, in words that follow "must be" or precede "is expected". */
export const expectedUrl = `an address such as https://hooks.example.com/path, of at most ${maxUrl.toLocaleString("en")} characters, without a user name, a password or a fragment`

/** The canonical form of a webhook's URL; none for a text that is not as `expectedUrl` says. */
export const parseUrl = (text: string): Option.Option<string> =>
  Option.fromNullishOr(text.length <= maxUrl ? URL.parse(text.trim()) : null).pipe(
    Option.filter(
      ({ hash, password, protocol, username }) =>
        /^https?:$/.test(protocol) && username === "" && password === "" && hash === ""
    ),
    Option.map(({ href }) => href)
  )

/** What an update may change. */
export interface WebhookChange {
  readonly url?: string
  readonly events?: ReadonlyArray<string>
  readonly format?: Format
  /** True enables the webhook and ends its series of failures; false disables it. Its pending deliveries wait meanwhile. */
  readonly enabled?: boolean
}

/** A new secret. Later, only `withSecrets` returns it. */
export const WebhookSecret = Schema.Struct({
  webhook_id: WebhookId,
  secret: Schema.String.annotate({ description: "It signs the events, and is not shown again" })
})

export type WebhookSecret = typeof WebhookSecret.Type

/** How long the previous secret also signs after a rotation, in milliseconds. */
export const rotationMillis = dayMillis

/** The result of an attempt. */
export const AttemptResult = Schema.Struct({
  status: Schema.NullOr(Schema.Int).annotate({
    description: "The HTTP status of the receiver's answer; null without an answer"
  }),
  millis: Schema.Int,
  answer: nullableText.annotate({ description: "The first 2 kB of the answer; null for a webhook of the operator" }),
  error: nullableText.annotate({ description: "Why there was no answer" })
})

export type AttemptResult = typeof AttemptResult.Type

/** The outcome of a test event. */
export const WebhookTest = Schema.Struct({
  event_id: EventId,
  /** Whether the receiver accepted the event. */
  delivered: Schema.Boolean,
  ...AttemptResult.fields
})

export type WebhookTest = typeof WebhookTest.Type

/** The maximum number of tests, retries and replays together that a website's owners send to its webhooks in an hour. */
export const maxSends = 60

/** `SECRETS_KEY` is not set, or is not the key that encrypted the secret. */
export class SecretsKeyUnusable extends Schema.TaggedError<SecretsKeyUnusable>()("SecretsKeyUnusable", {
  reason: Schema.Literals(["missing", "wrong"])
}) {}

export class Webhooks extends Context.Service<
  Webhooks,
  {
    /** None if there is no such website. Fails beyond `Maximums.webhooks`. */
    readonly create: (
      websiteConfigId: WebsiteConfigId,
      webhook: { readonly url: string } & Pick<Webhook, "events" | "format">
    ) => Effect.Effect<Option.Option<WebhookSecret>, StorageUnavailable | SecretsKeyUnusable | LimitReached>
    /** The webhooks of a website, oldest first. */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<StoredWebhook>, StorageUnavailable>
    /** None if the website has no such webhook. */
    readonly find: (
      websiteConfigId: WebsiteConfigId,
      webhookId: WebhookId
    ) => Effect.Effect<Option.Option<StoredWebhook>, StorageUnavailable>
    /** None if the website has no such webhook. */
    readonly update: (
      websiteConfigId: WebsiteConfigId,
      webhookId: WebhookId,
      change: WebhookChange
    ) => Effect.Effect<Option.Option<StoredWebhook>, StorageUnavailable>
    /** Deletes a webhook and its deliveries. False if the website has no such webhook. */
    readonly delete: (
      websiteConfigId: WebsiteConfigId,
      webhookId: WebhookId
    ) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Makes a new secret; none if the website has no such webhook. For 24 hours, deliveries are signed with the previous secret
     * too.
     */
    readonly rotate: (
      websiteConfigId: WebsiteConfigId,
      webhookId: WebhookId
    ) => Effect.Effect<Option.Option<WebhookSecret>, StorageUnavailable | SecretsKeyUnusable>
    /** A webhook with the secrets that sign now; none if the website has no such webhook. */
    readonly withSecrets: (
      websiteConfigId: WebsiteConfigId,
      webhookId: WebhookId
    ) => Effect.Effect<
      Option.Option<{ readonly receiver: Receiver; readonly secrets: ReadonlyArray<string> }>,
      StorageUnavailable | SecretsKeyUnusable
    >
  }
>()("hydracore/delivery/Webhooks") {}

/** Why only the operator may send events to a URL; none if an owner may, or if the lookup of its name decides. */
export const ownersRefusalOf = (
  operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>,
  url: string
): Option.Option<string> => {
  const target = AddressGuard.targetOf(new URL(url))
  return Option.orElse(AddressGuard.refusalOf([], target), () =>
    AddressGuard.isAllowed(operatorsHosts, target) ? Option.some(AddressGuard.notFound(target.host)) : Option.none()
  )
}

export const isOperators = (
  operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>,
  { url }: Pick<StoredWebhook, "url">
): boolean => Option.isSome(ownersRefusalOf(operatorsHosts, url))

/** A webhook as an owner sees it. */
export const shownToOwners = (
  operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>,
  webhook: StoredWebhook
): Webhook => (isOperators(operatorsHosts, webhook) ? { ...webhook, url: null, host: null } : webhook)

/** `isOperators` for the host of a URL with its port, if the URL names one. */
export const isOperatorsHost = (operatorsHosts: ReadonlyArray<AddressGuard.AllowedHost>, host: string): boolean =>
  ["https", "http"].some((scheme) => isOperators(operatorsHosts, { url: `${scheme}://${host}/` }))

/** Why there was no answer, as an owner sees it: a refusal of the service says nothing about the operator's network. */
export const withoutReason = (error: string | null): string =>
  Option.getOrElse(AddressGuard.withoutHost(error ?? ""), () => "no answer")

/** Removes what a receiver in the operator's network answered, and why it did not answer. */
export const withoutAnswer = <A extends AttemptResult>(result: A): A => ({
  ...result,
  answer: null,
  error: result.status === null ? withoutReason(result.error) : null
})
