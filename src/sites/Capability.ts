/**
 * What a caller of the owner API may do, by capability. Pure; browsers can import it.
 *
 * @module
 */

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

export const permits = (grants: Grants, capability: Capability, mode: Mode): boolean =>
  grants[capability] === "change" || grants[capability] === mode

/** Whether `grants` permit everything that `others` permit. */
export const covers = (grants: Grants, others: Grants): boolean =>
  capabilities.every((capability) => {
    const mode = others[capability]
    return mode === undefined || permits(grants, capability, mode)
  })
