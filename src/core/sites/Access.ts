/**
 * Decides what a caller of the owner API may do with a website. Pure; browsers can import it.
 *
 * @module
 */
import { Option } from "effect"
import * as Scope from "./Scope.ts"
import type { Site } from "./Site.ts"

/** What a caller may do: a scope, for all websites or for those with these `website_config_id`s. */
export interface Access {
  readonly scope: Scope.Scope
  readonly sites: "all" | ReadonlyArray<string>
}

/** Whether an access includes a website, in any scope. */
export const reaches = ({ sites }: Access, websiteConfigId: string): boolean =>
  sites === "all" || sites.includes(websiteConfigId)

/**
 * Whether a caller may issue, list and revoke keys and sessions with `access`. The caller needs the scope `write` and
 * everything that the access includes. If all websites of an access are deleted, only callers with access to all websites manage
 * it.
 */
export const manages = (caller: Access, access: Access): boolean =>
  caller.scope === "write" &&
  Scope.includes(caller.scope, access.scope) &&
  (caller.sites === "all" ||
    (access.sites !== "all" && access.sites.length > 0 && access.sites.every((id) => reaches(caller, id))))

class Proof<Included> {
  declare protected readonly included: Included
  readonly site: Site

  private constructor(site: Site) {
    this.site = site
  }

  static authorize<S extends Scope.Scope>(access: Access, scope: S, site: Site): Option.Option<AuthorizedSite<S>> {
    return reaches(access, site.websiteConfigId) && Scope.includes(access.scope, scope)
      ? Option.some(new Proof<Scope.Includes[S]>(site))
      : Option.none()
  }
}

/**
 * The proof that a caller may use a website in a scope. Only `authorize` makes one, so a function that takes an
 * `AuthorizedSite<"read">` cannot be called without a check. A proof for a larger scope is also a proof for a smaller scope.
 */
export type AuthorizedSite<S extends Scope.Scope> = Proof<Scope.Includes[S]>

/** The proof, if `access` reaches the website and its scope includes `scope`. */
export const authorize = Proof.authorize
