/**
 * The sessions of the console and the links that open them. A link can be opened once; from then on, the secret of the
 * session's cookie authenticates. Pure: times are arguments, in milliseconds since 1970.
 *
 * @module
 */
import { hourMillis } from "../../platform/text/Calendar.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import type { Access } from "./Access.ts"
import * as Credential from "./Credential.ts"
import { grants, type Role } from "./Role.ts"

/** When a session was opened, and about when it was used last. */
export interface Use {
  readonly openedAt: number
  readonly lastUsedAt: number
}

/** A session as it is stored, without its secrets. */
export interface ConsoleSession {
  readonly sessionId: string
  readonly role: Role
  /** All websites, or those with these `website_config_id`s, sorted. */
  readonly sites: Access["sites"]
  readonly label: string | null
  readonly createdAt: number
  /** The session or the key that created the link; null for the command line. */
  readonly createdBy: string | null
  /** The link can be opened before this time. */
  readonly linkExpiresAt: number
  /** Null until the link is opened. */
  readonly use: Use | null
}

/** Its place in a list. */
export const positionOf = ({ createdAt, sessionId }: ConsoleSession): Cursor.Position => ({
  time: createdAt,
  id: sessionId
})

/** A session whose link was opened. */
export interface OpenSession extends ConsoleSession {
  readonly use: Use
}

export const isOpen = (session: ConsoleSession): session is OpenSession => session.use !== null

/** The syntax of the secret in a link: `hcl_` and 43 characters. */
export const linkSyntax = Credential.syntax("hcl")

/** The path and fragment of a link's URL. Browsers do not send the fragment, which follows `#`, to servers. */
export const pathOf = (secret: string): string => `/console/#/link/${secret}`

/** The syntax of the secret in a cookie: `hcs_` and 43 characters. */
export const cookieSyntax = Credential.syntax("hcs")

export const limits = {
  /** A session ends after this time without use. */
  idle: 12 * hourMillis,
  /** A session ends this long after it was opened. */
  absolute: 30 * 24 * hourMillis,
  /** The maximum time until a link expires. */
  link: 7 * 24 * hourMillis,
  /** The minimum time between two writes of `lastUsedAt`, so that not every request writes. */
  touch: 5 * 60_000
} as const

/** The time at which a session ends, or its link expires, if it is not used again. */
export const endsAt = ({ linkExpiresAt, use }: ConsoleSession): number =>
  use === null ? linkExpiresAt : Math.min(use.openedAt + limits.absolute, use.lastUsedAt + limits.idle)

/** Whether a session, or its link, is valid: it has not ended, and at least one of its websites exists. */
export const isValidAt = (session: ConsoleSession, now: number): boolean =>
  now < endsAt(session) && (session.sites === "all" || session.sites.length > 0)

/** Whether the time of this use must be stored. */
export const mustTouch = ({ use }: OpenSession, now: number): boolean => now - use.lastUsedAt >= limits.touch

/** What the person may do. */
export const accessOf = ({ role, sites }: Pick<ConsoleSession, "role" | "sites">): Access => ({
  grants: grants[role],
  sites
})
