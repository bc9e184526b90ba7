/**
 * What a session may do with a website, by its roles. Pure.
 *
 * @module
 */
import type { Answer } from "./Requests.ts"

export type Role = Answer<"GET /v1/owner/session">["roles"][number]["role"]

/** In order; each role includes those before it. */
export const all: ReadonlyArray<Role> = ["viewer", "member", "owner"]

export interface GrantedRole {
  readonly role: Role
  readonly sites: "all" | ReadonlyArray<string>
}

/** The highest role for a website; null without one. */
export const roleFor = (roles: ReadonlyArray<GrantedRole>, siteId: string): Role | null =>
  all.findLast((role) =>
    roles.some((granted) => granted.role === role && (granted.sites === "all" || granted.sites.includes(siteId)))
  ) ?? null

/** The highest role for any website. */
export const highest = (roles: ReadonlyArray<GrantedRole>): Role =>
  all.findLast((role) => roles.some((granted) => granted.role === role)) ?? "viewer"

/** Whether the session owns all websites, also later ones. */
export const ownsAll = (roles: ReadonlyArray<GrantedRole>): boolean =>
  roles.some(({ role, sites }) => role === "owner" && sites === "all")

/** Whether a role includes another one. */
export const includes = (role: Role | null, required: Role): boolean =>
  role !== null && all.indexOf(role) >= all.indexOf(required)
