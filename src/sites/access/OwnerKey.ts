/**
 * The keys with which owners' programs authenticate at the owner API, and the service that issues and checks them; see
 * `sites/access/postgres/OwnerKeys`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { KeyId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import * as Access from "./Access.ts"
import * as Credential from "./Credential.ts"
import * as Fields from "./Fields.ts"

/** A key without its secret. */
export const OwnerKey = Schema.Struct({
  key_id: KeyId,
  scope: Schema.Literals(Access.scopes),
  /** The ids are sorted; deleted websites are left out. */
  sites: Credential.reached,
  label: Schema.NullOr(Schema.String),
  created_at: Fields.time,
  expires_at: Fields.nullableTime,
  revoked_at: Fields.nullableTime,
  issued_by: Credential.issuer
})

export type OwnerKey = typeof OwnerKey.Type

/** Its place in a list. */
export const positionOf = ({ created_at, key_id }: OwnerKey): Cursor.Position => ({
  time: Date.parse(created_at),
  id: key_id
})

/** When it is valid. */
export const validityOf = ({ expires_at, revoked_at }: OwnerKey): Credential.Validity => ({
  expiresAt: Calendar.parseOrNull(expires_at),
  revokedAt: Calendar.parseOrNull(revoked_at)
})

/** A key when it is issued: the only time at which its secret is known. */
export interface IssuedOwnerKey extends OwnerKey {
  readonly key: string
}

/** What the program may do. */
export const accessOf = ({ scope, sites }: Pick<OwnerKey, "scope" | "sites">): Access.Access => ({
  grants: Access.scopeGrants[scope],
  sites
})

/** Whether a key that expires at `expiresAt` is still valid after `end`. A key with null never expires. */
export const outlives = (expiresAt: number | null, end: number): boolean => expiresAt === null || expiresAt > end

/** `hok_` and 43 characters. */
export const { format, isWellFormed } = Credential.syntax("hok")

export interface KeyQuery extends Credential.CredentialQuery {
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
     * Issues a key, whose secret is returned here only. It expires at a time in milliseconds since 1970, or never. None if one of
     * the websites does not exist, or if the issuer was revoked meanwhile. Fails if a caller for some websites would have more
     * than `Maximums.keys` or `Maximums.storedKeys`.
     */
    readonly issue: (
      request: Pick<OwnerKey, "scope" | "sites" | "label"> & {
        readonly expiresAt: number | null
        /** The console session or the key that issues it. */
        readonly issuedBy?: string
        /** The websites of the caller who issues it. Absent for the operator, who has no maximum. */
        readonly callerSites?: Access.Access["sites"]
      }
    ) => Effect.Effect<Option.Option<IssuedOwnerKey>, StorageUnavailable | LimitReached>
    /** Keys without their secrets, oldest first. Reads no keys of other websites. */
    readonly list: (query: KeyQuery) => Effect.Effect<ReadonlyArray<OwnerKey>, StorageUnavailable>
    /**
     * Revokes a key, and all keys that it issued directly or indirectly. The unopened links to the console that any of them
     * created become void. Returns how many of the keys, sessions and links that come from the key remain valid. None if there
     * is no such key that the caller manages. Revoking a revoked key succeeds.
     */
    readonly revoke: (
      keyId: KeyId,
      options?: Credential.RevokeOptions & Credential.ManagedBy
    ) => Effect.Effect<Option.Option<Credential.Remaining>, StorageUnavailable>
  }
>()("hydracore/sites/access/OwnerKeys") {}
