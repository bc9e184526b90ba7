/**
 * Issues and checks the keys with which owners' programs authenticate at the owner API. The interface only; see
 * `sites/access/postgres/OwnerKeys`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type { Access } from "./Access.ts"
import type { CredentialQuery } from "./CredentialQuery.ts"
import type { ManagedBy, Remaining, RevokeOptions } from "./Issuers.ts"
import type { IssuedOwnerKey, OwnerKey } from "./OwnerKey.ts"

export interface KeyQuery extends CredentialQuery {
  /** Whether revoked keys are left out. */
  readonly unrevoked: boolean
}

export class OwnerKeys extends Context.Service<
  OwnerKeys,
  {
    /**
     * The key whose secret is `key`, if it is neither revoked nor expired. None does not reveal which of these checks
     * failed. A revocation takes effect on every process within a second.
     */
    readonly authenticate: (key: string) => Effect.Effect<Option.Option<OwnerKey>, StorageUnavailable>
    /**
     * Issues a key, whose secret is returned here only. None if one of the websites does not exist, or if the issuer was revoked
     * meanwhile. Fails if a caller for some websites would have more than `Maximums.keys` or `Maximums.storedKeys`.
     */
    readonly issue: (
      request: Pick<OwnerKey, "scope" | "sites" | "label" | "expiresAt"> & {
        /** The console session or the key that issues it. */
        readonly issuedBy?: string
        /** The websites of the caller who issues it. Absent for the operator, who has no maximum. */
        readonly callerSites?: Access["sites"]
      }
    ) => Effect.Effect<Option.Option<IssuedOwnerKey>, StorageUnavailable | LimitReached>
    /**
     * Keys without their secrets, oldest first. The ids of a key's websites are sorted; deleted websites are left out. Reads no
     * keys of other websites.
     */
    readonly list: (query: KeyQuery) => Effect.Effect<ReadonlyArray<OwnerKey>, StorageUnavailable>
    /**
     * Revokes a key, and all keys that it issued directly or indirectly. The unopened links to the console that any of them
     * created become void. Returns how many of the keys, sessions and links that come from the key remain valid. None if there
     * is no such key that the caller manages. Revoking a revoked key succeeds.
     */
    readonly revoke: (
      keyId: string,
      options?: RevokeOptions & ManagedBy
    ) => Effect.Effect<Option.Option<Remaining>, StorageUnavailable>
  }
>()("hydracore/sites/access/OwnerKeys") {}
