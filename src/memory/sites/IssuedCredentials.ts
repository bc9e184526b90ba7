/**
 * The owner keys and console sessions of this process. `OwnerKeys` and `ConsoleSessions` share them, because revoking a key or a
 * session also revokes the keys and sessions that it issued.
 *
 * @module
 */
import { Context, Layer, Option } from "effect"
import type { Access } from "../../core/sites/Access.ts"
import * as Session from "../../core/sites/ConsoleSession.ts"
import * as Credential from "../../core/sites/Credential.ts"
import * as Issuers from "../../core/sites/Issuers.ts"
import type { OwnerKey } from "../../core/sites/OwnerKey.ts"

export interface StoredKey extends OwnerKey {
  readonly digest: Uint8Array
}

export interface StoredSession extends Session.ConsoleSession {
  readonly linkDigest: Uint8Array
  /** Null until the link is opened, and after the session ended. */
  readonly cookieDigest: Uint8Array | null
}

export class IssuedCredentials extends Context.Service<
  IssuedCredentials,
  {
    /** By their digest, in base64url. */
    readonly keys: Map<string, StoredKey>
    /** By session id. Ended sessions remain: a revocation of their issuer also revokes the keys and links that they issued. */
    readonly sessions: Map<string, StoredSession>
  }
>()("hydracore/memory/sites/IssuedCredentials") {}

export const layer: Layer.Layer<IssuedCredentials> = Layer.sync(IssuedCredentials, () => ({
  keys: new Map(),
  sessions: new Map()
}))

type Tables = IssuedCredentials["Service"]

/** Removes a deleted website from keys, sessions and links, and deletes those that reach no other website. */
export const eraseWebsite = ({ keys, sessions }: Tables, websiteConfigId: string): void => {
  const eraseFrom = <A extends Pick<Access, "sites">>(table: Map<string, A>) => {
    for (const [id, stored] of table) {
      if (stored.sites === "all" || !stored.sites.includes(websiteConfigId)) continue
      const sites = stored.sites.filter((site) => site !== websiteConfigId)
      if (sites.length === 0) table.delete(id)
      else table.set(id, { ...stored, sites })
    }
  }
  eraseFrom(keys)
  eraseFrom(sessions)
}

/** Ends a session, or voids its link. False if it had already ended. */
export const end = ({ sessions }: Tables, sessionId: string, now: number): boolean => {
  const stored = sessions.get(sessionId)
  if (stored === undefined || now >= Session.endsAt(stored)) return false
  sessions.set(sessionId, { ...stored, label: null, linkExpiresAt: 0, use: null, cookieDigest: null })
  return true
}

/**
 * The id of a key or session, and the ids of all that it issued, directly or indirectly. Without `withOpened`, the sessions among
 * them are left out, with all that they issued.
 */
const issuanceTree = ({ keys, sessions }: Tables, id: string, withOpened: boolean): ReadonlySet<string> =>
  Issuers.issuanceTree(id, [
    ...[...keys.values()].map(({ issuedBy, keyId }) => ({ id: keyId, issuer: issuedBy })),
    ...(withOpened ? [...sessions.values()] : []).map(({ createdBy, sessionId }) => ({
      id: sessionId,
      issuer: createdBy
    }))
  ])

const remaining = (tables: Tables, id: string, now: number): Issuers.Remaining => {
  const ids = issuanceTree(tables, id, true)
  return {
    keys: [...tables.keys.values()].filter((key) => ids.has(key.keyId) && Credential.isValidAt(key, now)).length,
    sessions: [...tables.sessions.values()].filter(
      (session) => ids.has(session.sessionId) && Session.isValidAt(session, now)
    ).length
  }
}

/** Revokes a key or a session, with what it issued. None if nothing was revoked and nothing remains. */
export const revoke = (
  tables: Tables,
  id: string,
  now: number,
  { withOpened = false }: Issuers.RevokeOptions = {}
): Option.Option<Issuers.Remaining> => {
  const ids = issuanceTree(tables, id, withOpened)
  let count = 0
  for (const [digest, key] of tables.keys) {
    if (!ids.has(key.keyId) || key.revokedAt !== null) continue
    tables.keys.set(digest, { ...key, revokedAt: now })
    count++
  }
  for (const { createdBy, sessionId, use } of [...tables.sessions.values()]) {
    const isUnopened = use === null && createdBy !== null && ids.has(createdBy)
    if ((ids.has(sessionId) || isUnopened) && end(tables, sessionId, now)) count++
  }
  const left = remaining(tables, id, now)
  return count + left.keys + left.sessions > 0 ? Option.some(left) : Option.none()
}
