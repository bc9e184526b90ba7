/**
 * One thing that was found of an installation, and what to do about it.
 *
 * @module
 */

/** `problem`: something does not work. `warning`: it works, and may not be what is wanted. */
export type Severity = "ok" | "warning" | "problem"

export interface Finding {
  readonly check:
    | "database"
    | "encryption"
    | "migrations"
    | "rights"
    | "encoding"
    | "durability"
    | "clock"
    | "partitions"
    | "connections"
    | "redis"
    | "proxies"
    | "agents"
  readonly severity: Severity
  /** What was seen, in one sentence. */
  readonly finding: string
  /** What to do, in one sentence; null where nothing is to be done. */
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
