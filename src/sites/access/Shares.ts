/**
 * Stores shares, each of which gives access to a dashboard by the secret in its URL. The interface only; see
 * `postgres/sites/Shares`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type { Share, SiteShare } from "./Share.ts"

export class Shares extends Context.Service<
  Shares,
  {
    /**
     * Creates a share, whose secret is returned here only. It expires at a time in milliseconds since 1970, or never. None if the
     * website does not exist. Fails beyond `Maximums.shares`.
     */
    readonly create: (
      websiteConfigId: WebsiteConfigId,
      request: Pick<Share, "label"> & { readonly expiresAt: number | null }
    ) => Effect.Effect<
      Option.Option<{ readonly secret: string; readonly share: SiteShare }>,
      StorageUnavailable | LimitReached
    >
    /**
     * The share with this secret, if it is neither revoked nor expired and its website exists; `None` does not say which of these
     * is false. A revocation takes effect on every process within a second.
     */
    readonly authenticate: (secret: string) => Effect.Effect<Option.Option<SiteShare>, StorageUnavailable>
    /** The shares of a website, or of all websites for null, oldest first, without secrets. Expired shares are left out. */
    readonly list: (
      websiteConfigId: WebsiteConfigId | null
    ) => Effect.Effect<ReadonlyArray<SiteShare>, StorageUnavailable>
    /** Deletes a share of a website, or of any website for null. False if there is no such share. */
    readonly revoke: (
      websiteConfigId: WebsiteConfigId | null,
      shareId: string
    ) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/sites/access/Shares") {}
