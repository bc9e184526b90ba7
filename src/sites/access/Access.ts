/**
 * What callers of the owner API may do: the capabilities, the roles of people and the scopes of keys, which are sets of them, and what a
 * caller may do with a website. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import type { Site } from "../Site.ts"

/**
 * The parts of the owner API that are permitted separately: `stats` has the numbers, `inbox` the submissions and
 * conversations, `settings` everything that is set up for a website, and `admin` the keys, the sessions and the deletion of a
 * website.
 */
export const capabilities = ["stats", "inbox", "settings", "admin"] as const

export type Capability = (typeof capabilities)[number]

/** What is done with a capability. Who may change it may also read it. */
export const modes = ["read", "change"] as const

export type Mode = (typeof modes)[number]

/** A capability with what is done with it, such as `inbox:change`. */
export type Right = `${Capability}:${Mode}`

/** The rights that a right includes. */
export type IncludedBy<R extends Right> = R extends `${infer C extends Capability}:change` ? R | `${C}:read` : R

/** The largest permitted mode of each capability. A capability that is absent is not permitted. */
export type Grants = Readonly<Partial<Record<Capability, Mode>>>

export const isGranted = (grants: Grants, capability: Capability, mode: Mode): boolean =>
  grants[capability] === "change" || grants[capability] === mode

/** Whether `grants` permit everything that `others` permit. */
export const covers = (grants: Grants, others: Grants): boolean =>
  capabilities.every((capability) => {
    const mode = others[capability]
    return mode === undefined || isGranted(grants, capability, mode)
  })

/**
 * In order; each role includes those before it. A `viewer` reads everything, a `member` also works in the inbox: answers, marks,
 * releases and deletes. An `owner` may change everything.
 */
export const roles = ["viewer", "member", "owner"] as const

export type Role = (typeof roles)[number]

/** What each role permits. */
export const roleGrants: Readonly<Record<Role, Grants>> = {
  viewer: { stats: "read", inbox: "read", settings: "read" },
  member: { stats: "read", inbox: "change", settings: "read" },
  owner: { stats: "change", inbox: "change", settings: "change", admin: "change" }
}

/** The smallest role that permits this. */
export const roleFor = (capability: Capability, mode: Mode): Role =>
  roles.find((role) => isGranted(roleGrants[role], capability, mode)) ?? "owner"

/**
 * In order; each scope includes those before it. `stats` permits reading numbers, `read` also submissions and conversations, and
 * `write` also changes.
 */
export const scopes = ["stats", "read", "write"] as const

export type Scope = (typeof scopes)[number]

/** What each scope permits. */
export const scopeGrants = {
  stats: { stats: "read" },
  read: { stats: "read", inbox: "read", settings: "read" },
  write: { stats: "change", inbox: "change", settings: "change", admin: "change" }
} as const satisfies Record<Scope, Grants>

/** The smallest scope that permits this. */
export const scopeFor = (capability: Capability, mode: Mode): Scope =>
  scopes.find((scope) => isGranted(scopeGrants[scope], capability, mode)) ?? "write"

/**
 * What is permitted for all websites, or for those with these `website_config_id`s. A key has one; a person has one for each role,
 * and what any of them permits is permitted.
 */
export interface Access {
  readonly grants: Grants
  readonly sites: "all" | ReadonlyArray<WebsiteConfigId>
}

/** Whether an access includes a website, whatever it permits. */
export const reaches = ({ sites }: Access, websiteConfigId: WebsiteConfigId): boolean =>
  sites === "all" || sites.includes(websiteConfigId)

/** Whether a caller may do this with any website. */
export const permitsAny = (caller: ReadonlyArray<Access>, capability: Capability, mode: Mode): boolean =>
  caller.some(({ grants }) => isGranted(grants, capability, mode))

/** Whether a caller may do this with a website. */
export const permits = (
  caller: ReadonlyArray<Access>,
  capability: Capability,
  mode: Mode,
  websiteConfigId: WebsiteConfigId
): boolean => caller.some((access) => reaches(access, websiteConfigId) && isGranted(access.grants, capability, mode))

/** The websites with which a caller may do this. */
export const sitesWith = (caller: ReadonlyArray<Access>, capability: Capability, mode: Mode): Access["sites"] => {
  const ids = new Set<WebsiteConfigId>()
  for (const { grants, sites } of caller) {
    if (!isGranted(grants, capability, mode)) continue
    if (sites === "all") return sites
    for (const id of sites) ids.add(id)
  }
  return [...ids]
}

/**
 * Whether a caller may issue, list and revoke keys and sessions with `access`. For each website of the access, one role of the
 * caller must permit changing `admin` and everything that the access includes. If all websites of an access are deleted, only
 * callers with access to all websites manage it.
 */
export const manages = (caller: ReadonlyArray<Access>, access: Access): boolean => {
  const able = caller.filter(({ grants }) => isGranted(grants, "admin", "change") && covers(grants, access.grants))
  const { sites } = access
  if (able.some((own) => own.sites === "all")) return true
  return sites !== "all" && sites.length > 0 && sites.every((id) => able.some((own) => reaches(own, id)))
}

class Proof<Rights> {
  // A function, so that a proof of more rights is one of fewer, and not the other way round.
  declare protected readonly proves: (right: Rights) => void
  readonly site: Site

  private constructor(site: Site) {
    this.site = site
  }

  static permit<C extends Capability, M extends Mode>(
    caller: ReadonlyArray<Access>,
    capability: C,
    mode: M,
    site: Site
  ): Option.Option<AuthorizedSite<`${C}:${M}`>> {
    return permits(caller, capability, mode, site.websiteConfigId) ? Option.some(new Proof(site)) : Option.none()
  }
}

/**
 * The proof that a caller may use a website. Only `permit` makes one, so a function that takes an `AuthorizedSite<"inbox:read">`
 * cannot be called without a check. A proof of more rights is also a proof of fewer.
 */
export type AuthorizedSite<R extends Right> = Proof<IncludedBy<R>>

/** The proof of any right. */
export type AnyAuthorizedSite = Proof<never>

/** The proof, if a caller may do this with the website. */
export const permit = Proof.permit
