/**
 * A person who logs in to the console: an email address, a name, and a role for each website or for all; and the service that stores people.
 * A person exists while it has a role. Browsers can import it.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { PersonId, type SessionId, type WebsiteConfigId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type * as Cursor from "../../platform/text/Cursor.ts"
import * as Access from "./Access.ts"
import type { CredentialQuery } from "./Credential.ts"
import * as Credential from "./Credential.ts"
import * as Fields from "./Fields.ts"

/** A role for all websites, or for those with these ids. */
export const GrantedRole = Schema.Struct({
  role: Schema.Literals(Access.roles).annotate({
    description: "A viewer can only read; a member can also work in the inbox; an owner can change everything"
  }),
  sites: Credential.reached.annotate({ description: "All websites, also later ones, or those with these ids" })
})

export type GrantedRole = typeof GrantedRole.Type

/** Who a person is. */
export const Identity = Schema.Struct({
  person_id: PersonId,
  email: Schema.String.annotate({ format: "email" }),
  name: Schema.NullOr(Schema.String)
})

export type Identity = typeof Identity.Type

/** A role for one website, or for all if `site` is null. */
export interface SiteRole {
  readonly site: WebsiteConfigId | null
  readonly role: Access.Role
}

/** The roles of a person: at most one for each website and one for all. The highest comes first. */
export const grouped = (siteRoles: ReadonlyArray<SiteRole>): ReadonlyArray<GrantedRole> =>
  Access.roles.toReversed().flatMap((role): ReadonlyArray<GrantedRole> => {
    const ofRole = siteRoles.filter((one) => one.role === role)
    const ids = ofRole.flatMap(({ site }) => (site === null ? [] : [site])).sort()
    return [
      ...(ofRole.some(({ site }) => site === null) ? [{ role, sites: "all" } as const] : []),
      ...(ids.length === 0 ? [] : [{ role, sites: ids }])
    ]
  })

/** What roles permit. */
export const accessOf = (roles: ReadonlyArray<GrantedRole>): ReadonlyArray<Access.Access> =>
  roles.map(({ role, sites }) => ({ grants: Access.roleGrants[role], sites }))

/** A person, with the roles that a caller manages. */
export const ListedPerson = Schema.Struct({
  ...Identity.fields,
  confirmed: Schema.Boolean.annotate({
    description: "Whether the person has opened a link that was mailed to the address"
  }),
  roles: Schema.Array(GrantedRole),
  created_at: Fields.time,
  last_used_at: Fields.nullableTime.annotate({ description: "When the person last used a session that has not ended" })
})

export type ListedPerson = typeof ListedPerson.Type

/** Its place in a list. */
export const positionOf = ({ created_at, person_id }: ListedPerson): Cursor.Position => ({
  time: Date.parse(created_at),
  id: person_id
})

/** The roles that a caller manages. */
interface Managed {
  /** The websites of the caller: roles for others, and for all, stay as they are. */
  readonly callerSites: Access.Access["sites"]
}

export class People extends Context.Service<
  People,
  {
    /** The people with a role that the caller manages, in the order in which they were added. */
    readonly list: (query: CredentialQuery) => Effect.Effect<ReadonlyArray<ListedPerson>, StorageUnavailable>
    /**
     * Makes a session without a person the session of a new person with its role. False if there is a person with this address, or
     * if the session has ended or has a person. The address is not confirmed. Fails if a website of the session would have more
     * than `Maximums.people`.
     */
    readonly claim: (
      sessionId: SessionId,
      identity: Pick<Identity, "email" | "name">
    ) => Effect.Effect<boolean, StorageUnavailable | LimitReached>
    readonly rename: (personId: PersonId, name: string) => Effect.Effect<void, StorageUnavailable>
    /**
     * Changes roles that a person has. False, and nothing changes, if the person has no role for one of the websites, or if the
     * caller does not manage it. Keys and unopened links of the person that a lower role could not create are revoked.
     */
    readonly setRole: (
      personId: PersonId,
      granted: GrantedRole,
      managed: Managed
    ) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Takes the roles of a person for a website, or all that the caller manages if `site` is null, and revokes the keys and the
     * unopened links for them that the person created. Without a role left, the person is deleted and its sessions end, on every
     * process within a second. False if the caller manages no such role.
     */
    readonly remove: (
      personId: PersonId,
      site: WebsiteConfigId | null,
      managed: Managed
    ) => Effect.Effect<boolean, StorageUnavailable>
    /** The person with an address, in any letter case, with all roles. */
    readonly byEmail: (email: string) => Effect.Effect<Option.Option<ListedPerson>, StorageUnavailable>
  }
>()("hydracore/sites/access/People") {}
