/**
 * What a caller of the owner API may do. Pure; browsers can import it.
 *
 * @module
 */

/**
 * In order; each scope includes those before it. `stats` permits reading numbers, `read` also submissions and conversations, and
 * `write` also changes.
 */
export const scopes = ["stats", "read", "write"] as const

export type Scope = (typeof scopes)[number]

/** The scopes that a scope includes, as a type. */
export interface Includes {
  readonly stats: { readonly stats: true }
  readonly read: { readonly stats: true; readonly read: true }
  readonly write: { readonly stats: true; readonly read: true; readonly write: true }
}

/** Whether `granted` includes `required`. */
export const includes = (granted: Scope, required: Scope): boolean =>
  scopes.indexOf(granted) >= scopes.indexOf(required)
