/**
 * The scopes of owner keys: names for what a caller of the owner API may do. Pure; browsers can import it.
 *
 * @module
 */
import * as Capability from "../Capability.ts"

/**
 * In order; each scope includes those before it. `stats` permits reading numbers, `read` also submissions and conversations, and
 * `write` also changes.
 */
export const scopes = ["stats", "read", "write"] as const

export type Scope = (typeof scopes)[number]

/** What each scope permits. */
export const grants = {
  stats: { stats: "read" },
  read: { stats: "read", inbox: "read", settings: "read" },
  write: { stats: "change", inbox: "change", settings: "change", admin: "change" }
} as const satisfies Record<Scope, Capability.Grants>

/** Whether `granted` includes `required`. */
export const includes = (granted: Scope, required: Scope): boolean =>
  Capability.covers(grants[granted], grants[required])

/** The smallest scope that permits this. */
export const requiredFor = (capability: Capability.Capability, mode: Capability.Mode): Scope =>
  scopes.find((scope) => Capability.permits(grants[scope], capability, mode)) ?? "write"
