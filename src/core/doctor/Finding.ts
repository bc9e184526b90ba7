/**
 * The result of one check of an installation, and what to do about it.
 *
 * @module
 */

/** `problem`: something does not work. `warning`: it works, but may not be intended. */
export type Severity = "ok" | "warning" | "problem"

export interface Finding {
  readonly check:
    | "database"
    | "reader"
    | "encryption"
    | "pooler"
    | "migrations"
    | "rights"
    | "encoding"
    | "durability"
    | "clock"
    | "partitions"
    | "rollups"
    | "background"
    | "analytics"
    | "connections"
    | "redis"
    | "proxies"
    | "webhooks"
    | "mail"
    | "agents"
  readonly severity: Severity
  /** One sentence. */
  readonly finding: string
  /** What to do, in one sentence; null if there is nothing to do. */
  readonly advice: string | null
}

const make =
  (severity: Severity) =>
  (check: Finding["check"], finding: string, advice: string | null = null): Finding => ({
    check,
    severity,
    finding,
    advice
  })
export const ok = make("ok")
export const warning = make("warning")
export const problem = make("problem")
