/**
 * What a person may do in the console. Pure; browsers can import it.
 *
 * @module
 */
import * as Capability from "../Capability.ts"

/**
 * In order; each role includes those before it. A `viewer` reads everything, a `member` also works in the inbox: answers, marks,
 * releases and deletes. An `owner` may change everything.
 */
export const roles = ["viewer", "member", "owner"] as const

export type Role = (typeof roles)[number]

/** What each role permits. */
export const grants: Readonly<Record<Role, Capability.Grants>> = {
  viewer: { stats: "read", inbox: "read", settings: "read" },
  member: { stats: "read", inbox: "change", settings: "read" },
  owner: { stats: "change", inbox: "change", settings: "change", admin: "change" }
}

/** The smallest role that permits this. */
export const requiredFor = (capability: Capability.Capability, mode: Capability.Mode): Role =>
  roles.find((role) => Capability.permits(grants[role], capability, mode)) ?? "owner"
