/**
 * The webhooks of websites. The interface only; see `delivery/postgres/Webhooks`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import type { Format, Webhook, WebhookChange } from "./Webhook.ts"

/** `SECRETS_KEY` is not set, or is not the key that encrypted the secret. */
export class SecretsKeyUnusable extends Schema.TaggedError<SecretsKeyUnusable>()("SecretsKeyUnusable", {
  reason: Schema.Literals(["missing", "wrong"])
}) {}

/** A webhook with a new secret. Later, only `withSecrets` returns the secret. */
export interface NewSecret {
  readonly webhook: Webhook
  readonly secret: string
}

export class Webhooks extends Context.Service<
  Webhooks,
  {
    /** None if there is no such website. Fails beyond `Maximums.webhooks`. */
    readonly create: (webhook: {
      readonly websiteConfigId: WebsiteConfigId
      readonly url: string
      readonly events: ReadonlyArray<string>
      readonly format: Format
    }) => Effect.Effect<Option.Option<NewSecret>, StorageUnavailable | SecretsKeyUnusable | LimitReached>
    /** The webhooks of a website, oldest first. */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<Webhook>, StorageUnavailable>
    /** None if the website has no such webhook. */
    readonly find: (
      websiteConfigId: WebsiteConfigId,
      webhookId: string
    ) => Effect.Effect<Option.Option<Webhook>, StorageUnavailable>
    /** None if there is no such webhook. */
    readonly update: (
      webhookId: string,
      change: WebhookChange
    ) => Effect.Effect<Option.Option<Webhook>, StorageUnavailable>
    /** Deletes a webhook and its deliveries. False if there is no such webhook. */
    readonly delete: (webhookId: string) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Makes a new secret; none if there is no such webhook. For 24 hours, deliveries are signed with the previous secret too.
     */
    readonly rotate: (
      webhookId: string
    ) => Effect.Effect<Option.Option<NewSecret>, StorageUnavailable | SecretsKeyUnusable>
    /** A webhook with the secrets that sign now; none if there is no such webhook. */
    readonly withSecrets: (
      webhookId: string
    ) => Effect.Effect<
      Option.Option<{ readonly webhook: Webhook; readonly secrets: ReadonlyArray<string> }>,
      StorageUnavailable | SecretsKeyUnusable
    >
  }
>()("hydracore/delivery/Webhooks") {}
