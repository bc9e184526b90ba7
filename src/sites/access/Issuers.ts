/**
 * Finds the keys and sessions that come from a key or a session, since its revocation may revoke them too. Pure.
 *
 * @module
 */
import type { Access } from "./Access.ts"

/** The id of a key or a session, and of the key or session that issued it; null for the command line. */
export interface Issued {
  readonly id: string
  readonly issuer: string | null
}

/** The id of a session or a key, and the ids of all that it issued, directly or indirectly. */
export const issuanceTree = (id: string, all: ReadonlyArray<Issued>): ReadonlySet<string> => {
  const tree = new Set([id])
  // The set grows while it is walked.
  for (const known of tree) for (const { id, issuer } of all) if (issuer === known) tree.add(id)
  return tree
}

/** What is revoked together with a key or a session. */
export interface RevokeOptions {
  /**
   * Whether the sessions that were opened with its links also end, with the keys and the links that were created in them. If
   * not, invited colleagues keep their sessions, but so does a thief who has already opened a link.
   */
  readonly withOpened?: boolean
}

/** Which keys or sessions a caller may revoke. */
export interface ManagedBy {
  /** The websites of the caller: only what reaches no other one is revoked. Absent for the operator, who revokes any. */
  readonly callerSites?: Access["sites"]
}

/** The keys, sessions and links that come from a revoked key or session and are still valid. */
export interface Remaining {
  readonly keys: number
  /** Sessions and unopened links. */
  readonly sessions: number
}

export const nothingRemains: Remaining = { keys: 0, sessions: 0 }
