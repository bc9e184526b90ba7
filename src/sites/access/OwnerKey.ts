/**
 * The secret with which an owner's program authenticates at the owner API. Pure.
 *
 * @module
 */
import type * as Cursor from "../../platform/text/Cursor.ts"
import type { Access } from "./Access.ts"
import * as Credential from "./Credential.ts"
import * as Scope from "./Scope.ts"

/** A key as it is stored, without its secret. */
export interface OwnerKey extends Credential.Validity {
  readonly keyId: string
  readonly scope: Scope.Scope
  /** All websites, or those with these `website_config_id`s, sorted. */
  readonly sites: Access["sites"]
  readonly label: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** The console session or the key that issued it; null for the command line. */
  readonly issuedBy: string | null
}

/** Its place in a list. */
export const positionOf = ({ createdAt, keyId }: OwnerKey): Cursor.Position => ({ time: createdAt, id: keyId })

/** A key when it is issued: the only time at which its secret is known. */
export interface IssuedOwnerKey extends OwnerKey {
  readonly key: string
}

/** What the program may do. */
export const accessOf = ({ scope, sites }: Pick<OwnerKey, "scope" | "sites">): Access => ({
  grants: Scope.grants[scope],
  sites
})

/** Whether a key that expires at `expiresAt` is still valid after `end`. A key with null never expires. */
export const outlives = (expiresAt: number | null, end: number): boolean => expiresAt === null || expiresAt > end

/** `hok_` and 43 characters. */
export const { format, isWellFormed } = Credential.syntax("hok")
