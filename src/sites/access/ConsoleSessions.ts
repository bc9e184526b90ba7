/**
 * Stores the links and sessions of the console. The interface only; see `sites/access/postgres/ConsoleSessions`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type { ConsoleSession, OpenSession } from "./ConsoleSession.ts"
import type { CredentialQuery } from "./CredentialQuery.ts"
import type { ManagedBy, Remaining, RevokeOptions } from "./Issuers.ts"

export class ConsoleSessions extends Context.Service<
  ConsoleSessions,
  {
    /**
     * Creates a link. Only this method returns its secret. None if `sites` is empty or names a website that does not exist, or if
     * `createdBy` was revoked meanwhile. Fails if a caller for some websites would have more than `Maximums.sessions`.
     */
    readonly createLink: (
      request: Pick<ConsoleSession, "role" | "sites" | "label" | "linkExpiresAt"> & {
        /** The session or the key that creates the link. */
        readonly createdBy?: string
        /** The websites of the caller who creates it. Absent for the operator, who has no maximum. */
        readonly callerSites?: ConsoleSession["sites"]
      }
    ) => Effect.Effect<
      Option.Option<{ readonly link: string; readonly session: ConsoleSession }>,
      StorageUnavailable | LimitReached
    >
    /**
     * Opens the session of a link. Only this method returns the secret for the session's cookie. None if the link is unknown,
     * expired, revoked, or was opened before. Of concurrent calls, one opens the session.
     */
    readonly open: (
      link: string
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
     * Sessions and unopened links without their secrets, oldest first, that have not ended. Reads none of other websites.
     */
    readonly list: (query: CredentialQuery) => Effect.Effect<ReadonlyArray<ConsoleSession>, StorageUnavailable>
    /**
     * Ends a session when its person signs out. Keys and links that it created remain valid. False if there is no session.
     */
    readonly end: (sessionId: string) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Ends a session, or invalidates its link if that is unopened. Also invalidates the unopened links that were created in the
     * session, and revokes the keys that were issued in it, even if the session has already ended. Returns the number of keys,
     * sessions and links from it that remain valid. None if nothing was revoked and nothing remains, and for a caller with
     * `callerSites` also if the session has ended or the caller does not manage it.
     */
    readonly revoke: (
      sessionId: string,
      options?: RevokeOptions & ManagedBy
    ) => Effect.Effect<Option.Option<Remaining>, StorageUnavailable>
  }
>()("hydracore/sites/access/ConsoleSessions") {}
