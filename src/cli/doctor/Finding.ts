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
    | "encryption"
    | "pooler"
    | "rights"
    | "durability"
    | "clock"
    | "background"
    | "reader"
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

export const ok = (check: Finding["check"], finding: string): Finding => ({
  check,
  severity: "ok",
  finding,
  advice: null
})

/** Something that may be wrong, whether it is, and what to do then. */
export type Row = readonly [
  applies: boolean,
  severity: "warning" | "problem",
  check: Finding["check"],
  finding: string,
  advice: string
]

/** The rows that apply, in their order, which is that in which to fix them; `otherwise` if none does. */
export const ofRows = (otherwise: Finding, rows: ReadonlyArray<Row>): ReadonlyArray<Finding> => {
  const findings = rows.flatMap(([applies, severity, check, finding, advice]) =>
    applies ? [{ check, severity, finding, advice }] : []
  )
  return findings.length === 0 ? [otherwise] : findings
}
