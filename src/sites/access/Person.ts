/**
 * A person who logs in to the console: an email address, a name, and a role for each website or for all. Pure; browsers can import
 * it.
 *
 * @module
 */
import { Schema } from "effect"
import { PersonId, type WebsiteConfigId } from "../../platform/Id.ts"
import type { Access } from "./Access.ts"
import * as CredentialFields from "./CredentialFields.ts"
import * as Role from "./Role.ts"

/** A role for all websites, or for those with these ids. */
export const GrantedRole = Schema.Struct({
  role: Schema.Literals(Role.roles).annotate({
    description: "A viewer can only read; a member can also work in the inbox; an owner can change everything"
  }),
  sites: CredentialFields.reached.annotate({ description: "All websites, also later ones, or those with these ids" })
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
  readonly role: Role.Role
}

/** The roles of a person: at most one for each website and one for all. The highest comes first. */
export const grouped = (siteRoles: ReadonlyArray<SiteRole>): ReadonlyArray<GrantedRole> =>
  Role.roles.toReversed().flatMap((role): ReadonlyArray<GrantedRole> => {
    const ofRole = siteRoles.filter((one) => one.role === role)
    const ids = ofRole.flatMap(({ site }) => (site === null ? [] : [site])).sort()
    return [
      ...(ofRole.some(({ site }) => site === null) ? [{ role, sites: "all" } as const] : []),
      ...(ids.length === 0 ? [] : [{ role, sites: ids }])
    ]
  })

/** What roles permit. */
export const accessOf = (roles: ReadonlyArray<GrantedRole>): ReadonlyArray<Access> =>
  roles.map(({ role, sites }) => ({ grants: Role.grants[role], sites }))
