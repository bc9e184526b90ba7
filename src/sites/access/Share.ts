/**
 * The secret URL of a shared dashboard, which anyone who has it can view, and the service that stores such shares; see
 * `sites/access/postgres/Shares`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { ShareId, type WebsiteConfigId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import * as Credential from "./Credential.ts"

/**
 * Which numbers a share shows: rounded ones that single out nobody, which guests may query in a few ways only, or those of the
 * owner.
 */
export const Numbers = Schema.Literals(["protected", "exact"]).annotate({
  description:
    "`protected`: counts are `<5` or multiples of 5, and change once an hour. `exact`: the numbers that the owner sees"
})

export type Numbers = typeof Numbers.Type

/** A share, without its secret, as the owner API shows it. */
export const Share = Schema.Struct({
  share_id: ShareId,
  label: Schema.NullOr(Schema.String),
  numbers: Numbers,
  has_password: Schema.Boolean,
  created_at: Schema.String.annotate({ format: "date-time" }),
  /** Null if it does not expire. */
  expires_at: Schema.NullOr(Schema.String.annotate({ format: "date-time" }))
})

export type Share = typeof Share.Type

/** A share with its website, as the commands show it. */
export type SiteShare = Share & { readonly site_id: WebsiteConfigId }

/** `hsh_` and 43 characters. */
export const secret = Credential.syntax("hsh")

/** The path and fragment of a shared dashboard's URL. Browsers do not send the fragment, which follows `#`, to servers. */
export const pathOf = (secret: string): string => `/console/#/share/${secret}`

/** Whether it is valid at a time, in milliseconds since 1970. */
export const isValidAt = ({ expires_at }: Pick<Share, "expires_at">, now: number): boolean =>
  expires_at === null || now < Date.parse(expires_at)

export class Shares extends Context.Service<
  Shares,
  {
    /**
     * Creates a share, whose secret is returned here only. It expires at a time in milliseconds since 1970, or never. Without
     * `numbers`, they are protected. None if the website does not exist. Fails beyond `Maximums.shares`.
     */
    readonly create: (
      websiteConfigId: WebsiteConfigId,
      request: Pick<Share, "label"> & {
        readonly expiresAt: number | null
        readonly numbers?: Numbers
        readonly password?: string | null
      }
    ) => Effect.Effect<
      Option.Option<{ readonly secret: string; readonly share: SiteShare }>,
      StorageUnavailable | LimitReached
    >
    /**
     * The share with this secret, if it is neither revoked nor expired and its website exists; `None` does not say which of these
     * is false. A revocation takes effect on every process within a second.
     */
    readonly authenticate: (secret: string) => Effect.Effect<Option.Option<SiteShare>, StorageUnavailable>
    /**
     * A proof of the password that a browser keeps; see `SharePassword`. None if no share has the secret, or if the password is
     * wrong. Slow: the caller limits attempts.
     */
    readonly unlock: (secret: string, password: string) => Effect.Effect<Option.Option<string>, StorageUnavailable>
    /** Whether the share with this secret has no password, or one that a proof of `unlock` is for. */
    readonly isUnlocked: (secret: string, proof: string) => Effect.Effect<boolean, StorageUnavailable>
    /** The shares of a website, or of all websites for null, oldest first, without secrets. Expired shares are left out. */
    readonly list: (
      websiteConfigId: WebsiteConfigId | null
    ) => Effect.Effect<ReadonlyArray<SiteShare>, StorageUnavailable>
    /** Deletes a share of a website. False if there is no such share. */
    readonly revoke: (websiteConfigId: WebsiteConfigId, shareId: ShareId) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/sites/access/Shares") {}
