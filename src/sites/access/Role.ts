/**
 * What a person may do in the console. Pure; browsers can import it.
 *
 * @module
 */
import type { Scope } from "./Scope.ts"

/** A `viewer` may read everything, and an `owner` may also change it. */
export const roles = ["viewer", "owner"] as const

export type Role = (typeof roles)[number]

/** The scope of each role. */
export const scopeOf = { viewer: "read", owner: "write" } as const satisfies Record<Role, Scope>
