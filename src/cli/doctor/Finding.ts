/**
 * The result of one check of an installation, and what to do about it.
 *
 * @module
 */

export interface Finding {
  readonly check:
    | "database"
    | "encryption"
    | "pooler"
    | "rights"
    | "durability"
    | "clock"
    | "background"
    | "reader"
    | "analytics"
    | "redis"
    | "proxies"
    | "webhooks"
    | "mail"
    | "agents"
  /** `problem`: something does not work. `warning`: it works, but may not be intended. */
  readonly severity: "ok" | "warning" | "problem"
  readonly finding: string
  /** What to do; null if there is nothing to do. */
  readonly advice: string | null
}

const make =
  <Advice extends string | null>(severity: Finding["severity"]) =>
  (check: Finding["check"], finding: string, advice: Advice): Finding => ({ check, severity, finding, advice })

export const problem = make<string>("problem")

export const warning = make<string>("warning")

export const ok = (check: Finding["check"], finding: string): Finding => make<null>("ok")(check, finding, null)

/** What was found, in the order in which to fix it; `otherwise` if nothing was. */
export const orWell = (otherwise: Finding, found: ReadonlyArray<Finding | false>): ReadonlyArray<Finding> => {
  const findings = found.filter((one) => one !== false)
  return findings.length === 0 ? [otherwise] : findings
}
