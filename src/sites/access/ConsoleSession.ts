/**
 * The sessions of the console and the links that open them, when the cookie of a session is accepted, and the service that stores
 * sessions and links; see `sites/access/postgres/ConsoleSessions`. A link can be opened once; from then on, the secret of the session's
 * cookie authenticates. Times that are numbers are milliseconds since 1970.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { isLoopback, isLoopbackHost } from "../../platform/http/Host.ts"
import { type PersonId, SessionId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import type { Access } from "./Access.ts"
import * as Credential from "./Credential.ts"
import * as Fields from "./Fields.ts"
import * as Person from "./Person.ts"

/** A session without its secrets. */
export const ConsoleSession = Schema.Struct({
  session_id: SessionId,
  person: Schema.NullOr(Person.Identity).annotate({
    description: "Null for a session that a link opened without a person"
  }),
  /** Deleted websites are left out. */
  roles: Schema.Array(Person.GrantedRole),
  label: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String).annotate({
    description: "The address that an unopened link was mailed to; opening it makes this person"
  }),
  device: Schema.NullOr(Schema.String).annotate({
    description: "The browser that opened it, such as Firefox on Linux"
  }),
  created_at: Fields.time,
  opened_at: Fields.nullableTime.annotate({ description: "Null while the link is not opened" }),
  last_used_at: Fields.nullableTime,
  ends_at: Fields.time.annotate({
    description: "When the session ends if it is not used again; while the link is not opened, when the link expires"
  }),
  created_by: Credential.issuer
})

export type ConsoleSession = typeof ConsoleSession.Type

/** Its place in a list. */
export const positionOf = ({ created_at, session_id }: ConsoleSession): Cursor.Position => ({
  time: Date.parse(created_at),
  id: session_id
})

/** A session whose link was opened. */
export interface OpenSession extends ConsoleSession {
  readonly opened_at: string
  readonly last_used_at: string
}

export const isOpen = (session: ConsoleSession): session is OpenSession =>
  session.opened_at !== null && session.last_used_at !== null

/** The syntax of the secret in a link: `hcl_` and 43 characters. */
export const linkSyntax = Credential.syntax("hcl")

/** The path and fragment of a link's URL. Browsers do not send the fragment, which follows `#`, to servers. */
export const pathOf = (secret: string): string => `/console/#/link/${secret}`

/** The syntax of the secret in a cookie: `hcs_` and 43 characters. */
export const cookieSyntax = Credential.syntax("hcs")

export const limits = {
  /** The time without use after which a session ends, unless `SESSION_IDLE` is set. */
  idle: 30 * Calendar.dayMillis,
  /** How long a browser keeps the cookie, at most: the longest time that browsers allow. */
  cookie: 400 * Calendar.dayMillis,
  /** The maximum time until a link expires. */
  link: 7 * Calendar.dayMillis,
  /** The time until a link that a person requested expires. */
  login: 15 * 60_000,
  /** The minimum time between two writes of `last_used_at`, so that not every request writes. */
  touch: 5 * 60_000
} as const

/** The times of a session that was opened at `openedAt` and used last at `usedAt`, and ends after `idle` milliseconds without use. */
export const timesOfUse = (openedAt: number, usedAt: number, idle: number) => ({
  opened_at: Calendar.iso(openedAt),
  last_used_at: Calendar.iso(usedAt),
  ends_at: Calendar.iso(usedAt + idle)
})

/** An open session after a use at `now`. */
export const usedAt = (session: OpenSession, now: number, idle: number): OpenSession => ({
  ...session,
  ...timesOfUse(Date.parse(session.opened_at), now, idle)
})

/** Whether a session, or its link, is valid: it has not ended, and it has a role for all websites or for one that exists. */
export const isValidAt = ({ ends_at, roles }: Pick<ConsoleSession, "ends_at" | "roles">, now: number): boolean =>
  now < Date.parse(ends_at) && roles.some(({ sites }) => sites === "all" || sites.length > 0)

/** Whether the time of this use must be stored. */
export const mustTouch = ({ last_used_at }: OpenSession, now: number): boolean =>
  now - Date.parse(last_used_at) >= limits.touch

/** What creates a link, and the session that it opens. */
export interface LinkRequest extends Person.GrantedRole {
  readonly label: string | null
  /** The address that the link is mailed to. The link opens a session of the person with this address. */
  readonly email?: string
  /** The link can be opened before this time. */
  readonly linkExpiresAt: number
  /** The session or the key that creates the link. */
  readonly createdBy?: string
  /** The websites of the caller who creates it. Absent for the operator, who has no maximum. */
  readonly callerSites?: Access["sites"]
}

export interface CreatedLink {
  readonly link: string
  readonly session: ConsoleSession
}

export class ConsoleSessions extends Context.Service<
  ConsoleSessions,
  {
    /**
     * Creates a link. Only this method returns its secret. None if `sites` is empty or names a website that does not exist, or if
     * `createdBy` was revoked meanwhile. Fails if a caller for some websites would have more than `Maximums.sessions`, and if a
     * link with an address would give a website more than `Maximums.people`.
     */
    readonly createLink: (
      request: LinkRequest
    ) => Effect.Effect<Option.Option<CreatedLink>, StorageUnavailable | LimitReached>
    /**
     * Creates a link that opens a session of the person with this address, in any letter case. None if there is no such person.
     * Opening a link that is mailed to the address confirms the address.
     */
    readonly createLogin: (
      email: string,
      linkExpiresAt: number,
      options: { readonly isMailed: boolean }
    ) => Effect.Effect<Option.Option<CreatedLink>, StorageUnavailable>
    /**
     * Replaces the secret of an unopened link that was mailed, which voids the earlier mail. None if there is no such link that
     * the caller with `callerSites` manages.
     */
    readonly renewLink: (
      sessionId: SessionId,
      linkExpiresAt: number,
      options: Credential.ManagedBy
    ) => Effect.Effect<Option.Option<CreatedLink>, StorageUnavailable>
    /**
     * Opens the session of a link. Only this method returns the secret for the session's cookie. A mailed link makes the person
     * with its address, or gives an existing person the link's role, and confirms the address. None if the link is unknown, expired, revoked, or was opened
     * before. Of concurrent calls, one opens the session.
     *
     * @param device the browser, for the person's list of devices
     */
    readonly open: (
      link: string,
      device?: string | null
    ) => Effect.Effect<Option.Option<{ readonly cookie: string; readonly session: OpenSession }>, StorageUnavailable>
    /** The unopened session of a link, without opening it. None if `open` would not open it. */
    readonly findLink: (link: string) => Effect.Effect<Option.Option<ConsoleSession>, StorageUnavailable>
    /**
     * The session whose cookie has this secret, if it has not ended. Counts as a use of the session. The result does not reveal
     * why there is no session. A revocation takes effect on every process within a second.
     */
    readonly authenticate: (cookie: string) => Effect.Effect<Option.Option<OpenSession>, StorageUnavailable>
    /** Like `authenticate`, without counting as a use. */
    readonly find: (cookie: string) => Effect.Effect<Option.Option<OpenSession>, StorageUnavailable>
    /**
     * Sessions without a person and unopened links, oldest first, that have not ended. Reads none of other websites, and no secrets.
     */
    readonly list: (
      query: Credential.CredentialQuery
    ) => Effect.Effect<ReadonlyArray<ConsoleSession>, StorageUnavailable>
    /** The open sessions of a person, the latest used first. */
    readonly ofPerson: (personId: PersonId) => Effect.Effect<ReadonlyArray<OpenSession>, StorageUnavailable>
    /**
     * Ends a session when its person signs out. Keys and links that it created remain valid. False if there is no session.
     */
    readonly end: (sessionId: SessionId) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Ends a session, or invalidates its link if that is unopened. Also invalidates the unopened links that were created in the
     * session, and revokes the keys that were issued in it, even if the session has already ended. Returns the number of keys,
     * sessions and links from it that remain valid. None if nothing was revoked and nothing remains, and for a caller with
     * `callerSites` also if the caller does not manage it.
     */
    readonly revoke: (
      sessionId: SessionId,
      options?: Credential.RevokeOptions & Credential.ManagedBy
    ) => Effect.Effect<Option.Option<Credential.Remaining>, StorageUnavailable>
  }
>()("hydracore/sites/access/ConsoleSessions") {}

/** The name of a cookie that is `Secure`. Browsers accept the prefix only from the host itself, and not from sibling domains. */
export const secureCookieName = "__Host-hydracore_console"

/** The name of a cookie on http and this machine, where some browsers refuse `Secure` and its prefix. */
export const localCookieName = "hydracore_console"

/**
 * Whether a page of this origin sent the request; otherwise the request's cookie is not accepted. Browsers send
 * `Sec-Fetch-Site` to URLs that are https or loopback, and no page can set that header.
 */
export const isSameOrigin = (secFetchSite: string | undefined): boolean => secFetchSite === "same-origin"

/** The headers of a request that say where the page is that sent it. */
export interface PageAddress {
  readonly origin: string | undefined
  readonly host: string | undefined
}

/**
 * Whether the cookie that a page gets must be `Secure`: on every origin except http on loopback. `origin` is the
 * request's `Origin`, which names the page's origin even behind a proxy. A cookie that is not `Secure` also needs a loopback
 * `host`, because later requests may have no `Origin`, and `isCookieAccepted` then relies on their `Host`.
 */
export const mustBeSecure = ({ host, origin }: PageAddress): boolean => {
  const page = URL.parse(origin ?? "")
  return page === null || page.protocol !== "http:" || !isLoopback(page.hostname) || !isLoopbackHost(host)
}

const countCookies = (header: string, name: string): number =>
  header.split(";").filter((pair) => pair.split("=", 1)[0]?.trim() === name).length

/**
 * Whether a request may use the cookie with this name. The local name needs a local `Host`: elsewhere, a page of a sibling
 * domain could set it. A cookie that is sent twice is not accepted: one of the two may come from such a page.
 */
export const isCookieAccepted = (
  name: string,
  headers: { readonly cookie: string; readonly host: string | undefined }
) => countCookies(headers.cookie, name) === 1 && (name === secureCookieName || isLoopbackHost(headers.host))
