/**
 * What a person may do in the console. Pure; browsers can import it.
 *
 * @module
 */
import type * as Capability from "../Capability.ts"

/** A `viewer` may read everything, and an `owner` may also change it. */
export const roles = ["viewer", "owner"] as const

export type Role = (typeof roles)[number]

/** What each role permits. */
export const grants: Readonly<Record<Role, Capability.Grants>> = {
  viewer: { stats: "read", inbox: "read", settings: "read" },
  owner: { stats: "change", inbox: "change", settings: "change", admin: "change" }
}
