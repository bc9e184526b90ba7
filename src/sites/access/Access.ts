/**
 * Decides what a caller of the owner API may do with a website. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Capability from "../Capability.ts"
import type { Site } from "../Site.ts"

/**
 * What is permitted for all websites, or for those with these `website_config_id`s. A key has one; a person has one for each role,
 * and what any of them permits is permitted.
 */
export interface Access {
  readonly grants: Capability.Grants
  readonly sites: "all" | ReadonlyArray<WebsiteConfigId>
}

/** Whether an access includes a website, whatever it permits. */
export const reaches = ({ sites }: Access, websiteConfigId: WebsiteConfigId): boolean =>
  sites === "all" || sites.includes(websiteConfigId)

/** Whether a caller may do this with any website. */
export const permitsAny = (
  caller: ReadonlyArray<Access>,
  capability: Capability.Capability,
  mode: Capability.Mode
): boolean => caller.some(({ grants }) => Capability.permits(grants, capability, mode))

/** Whether a caller may do this with a website. */
export const permits = (
  caller: ReadonlyArray<Access>,
  capability: Capability.Capability,
  mode: Capability.Mode,
  websiteConfigId: WebsiteConfigId
): boolean =>
  caller.some((access) => reaches(access, websiteConfigId) && Capability.permits(access.grants, capability, mode))

/** The websites with which a caller may do this. */
export const sitesWith = (
  caller: ReadonlyArray<Access>,
  capability: Capability.Capability,
  mode: Capability.Mode
): Access["sites"] => {
  const ids = new Set<WebsiteConfigId>()
  for (const { grants, sites } of caller) {
    if (!Capability.permits(grants, capability, mode)) continue
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
  const able = caller.filter(
    ({ grants }) => Capability.permits(grants, "admin", "change") && Capability.covers(grants, access.grants)
  )
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

  static permit<C extends Capability.Capability, M extends Capability.Mode>(
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
export type AuthorizedSite<R extends Capability.Right> = Proof<Capability.IncludedBy<R>>

/** The proof of any right. */
export type AnyAuthorizedSite = Proof<never>

/** The proof, if a caller may do this with the website. */
export const permit = Proof.permit
