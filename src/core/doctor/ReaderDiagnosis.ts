/**
 * Diagnoses the database that reports read if `DATABASE_READ_URL` is set. Pure.
 *
 * @module
 */
import { poolerAdvice } from "./DatabaseDiagnosis.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export type ReaderFacts =
  | { readonly _tag: "NotConfigured" }
  /** The database could not be queried; `reason` is a sentence for the operator. */
  | { readonly _tag: "Unavailable"; readonly reason: string }
  | {
      readonly _tag: "Reached"
      /** The ids of the migrations that the database lacks. */
      readonly pending: ReadonlyArray<number>
      /** How far the database is behind its primary, in seconds; null if it is not a standby. */
      readonly lagSeconds: number | null
      /** Whether a statement that is prepared in one transaction exists in the next; false behind some poolers. */
      readonly keepsStatements: boolean
    }

/** A standby that is further behind than this causes a warning. */
export const maxLagSeconds = 60

export const ofReader = (facts: ReaderFacts): ReadonlyArray<Finding> => {
  switch (facts._tag) {
    case "NotConfigured":
      return []
    case "Unavailable":
      return [
        problem(
          "reader",
          `The database of reports cannot be used: ${facts.reason}`,
          "Until it can be used, requests for reports get a 503. To read reports from DATABASE_URL instead, remove DATABASE_READ_URL and restart."
        )
      ]
    case "Reached":
      break
  }
  const { keepsStatements, lagSeconds, pending } = facts
  if (pending.length > 0) {
    return [
      problem(
        "reader",
        "The database of reports lacks migrations, so it is not a current copy of the service's database.",
        "Set DATABASE_READ_URL to a replica of the database in DATABASE_URL."
      )
    ]
  }
  if (!keepsStatements) {
    return [
      problem(
        "reader",
        "A pooler before the database of reports does not keep prepared statements: reports get a 503.",
        poolerAdvice
      )
    ]
  }
  if (lagSeconds === null) return [ok("reader", "Reports read from DATABASE_READ_URL, which is not a standby.")]
  return [
    lagSeconds > maxLagSeconds
      ? warning(
          "reader",
          `Reports read from a standby that is ${Math.round(lagSeconds)} seconds behind its primary.`,
          "Check that it receives and replays the primary's WAL (pg_stat_replication)."
        )
      : ok("reader", `Reports read from a standby that is ${lagSeconds.toFixed(1)} s behind its primary.`)
  ]
}
