/**
 * Decides what a caller of the owner API may do with a website. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Capability from "../Capability.ts"
import type { Site } from "../Site.ts"

/** What a caller may do, for all websites or for those with these `website_config_id`s. */
export interface Access {
  readonly grants: Capability.Grants
  readonly sites: "all" | ReadonlyArray<WebsiteConfigId>
}

/** Whether an access includes a website, whatever it permits. */
export const reaches = ({ sites }: Access, websiteConfigId: WebsiteConfigId): boolean =>
  sites === "all" || sites.includes(websiteConfigId)

/** Whether an access permits this for the websites that it includes. */
export const permits = ({ grants }: Access, capability: Capability.Capability, mode: Capability.Mode): boolean =>
  Capability.permits(grants, capability, mode)

/**
 * Whether a caller may issue, list and revoke keys and sessions with `access`. The caller needs the right
 * to change `admin`, and everything that the access includes. If all websites of an access are deleted, only callers with access to all websites manage
 * it.
 */
export const manages = (caller: Access, access: Access): boolean =>
  permits(caller, "admin", "change") &&
  Capability.covers(caller.grants, access.grants) &&
  (caller.sites === "all" ||
    (access.sites !== "all" && access.sites.length > 0 && access.sites.every((id) => reaches(caller, id))))

class Proof<Rights> {
  // A function, so that a proof of more rights is one of fewer, and not the other way round.
  declare protected readonly proves: (right: Rights) => void
  readonly site: Site

  private constructor(site: Site) {
    this.site = site
  }

  static permit<C extends Capability.Capability, M extends Capability.Mode>(
    access: Access,
    capability: C,
    mode: M,
    site: Site
  ): Option.Option<AuthorizedSite<`${C}:${M}`>> {
    return reaches(access, site.websiteConfigId) && permits(access, capability, mode)
      ? Option.some(new Proof(site))
      : Option.none()
  }
}

/**
 * The proof that a caller may use a website. Only `permit` makes one, so a function that takes an `AuthorizedSite<"inbox:read">`
 * cannot be called without a check. A proof of more rights is also a proof of fewer.
 */
export type AuthorizedSite<R extends Capability.Right> = Proof<Capability.IncludedBy<R>>

/** The proof of any right. */
export type AnyAuthorizedSite = Proof<never>

/** The proof, if `access` reaches the website and permits this. */
export const permit = Proof.permit
