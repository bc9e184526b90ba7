/**
 * Creates sessions of the console and the links that open them, for the tests of every layer.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import type { Role } from "../../src/sites/access/Access.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import type { GrantedRole } from "../../src/sites/access/Person.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { everySession } from "./Lists.ts"

export const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

/** A link that expires in a minute. */
export const newLink = Effect.fnUntraced(function* (
  sites: GrantedRole["sites"],
  role: Role = "owner",
  options: { readonly createdBy?: string; readonly email?: string } = {}
) {
  const sessions = yield* ConsoleSessions
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  return yield* sessions
    .createLink({ role, sites, label: "Ada's link", linkExpiresAt, ...options })
    .pipe(Effect.flatMap(Effect.fromOption))
})

export const openLink = (secret: string) => ConsoleSessions.use((sessions) => sessions.open(secret))

export const newSession = (sites: GrantedRole["sites"], role: Role = "owner") =>
  newLink(sites, role).pipe(
    Effect.flatMap((created) => openLink(created.link)),
    Effect.flatMap(Effect.fromOption)
  )

export const authenticate = (secret: string) => ConsoleSessions.use((sessions) => sessions.authenticate(secret))

/** The listed sessions and links with these ids. Others belong to other tests with the same storage. */
export const listed = (...ids: ReadonlyArray<string>) =>
  Effect.map(
    ConsoleSessions.use((sessions) => sessions.list(everySession)),
    (sessions) => sessions.filter(({ session_id }) => ids.includes(session_id))
  )
