/**
 * Stores shares, each of which gives access to a dashboard by the secret in its URL. The interface only; see
 * `sites/access/postgres/Shares`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { Share } from "./Share.ts"

export class Shares extends Context.Service<
  Shares,
  {
    /** Creates a share, whose secret is returned here only. None if the website does not exist. */
    readonly create: (
      request: Pick<Share, "websiteConfigId" | "label" | "expiresAt">
    ) => Effect.Effect<Option.Option<{ readonly secret: string; readonly share: Share }>, StorageUnavailable>
    /**
     * The share with this secret, if it is neither revoked nor expired and its website exists; `None` does not say which of these
     * is false. A revocation takes effect on every process within a second.
     */
    readonly authenticate: (secret: string) => Effect.Effect<Option.Option<Share>, StorageUnavailable>
    /** The shares of a website, or of all websites for null, oldest first, without secrets. Expired shares are left out. */
    readonly list: (websiteConfigId: string | null) => Effect.Effect<ReadonlyArray<Share>, StorageUnavailable>
    /** Deletes a share of a website, or of any website for null. False if there is no such share. */
    readonly revoke: (share: {
      readonly shareId: string
      readonly websiteConfigId: string | null
    }) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/sites/access/Shares") {}
