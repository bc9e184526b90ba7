/**
 * Diagnoses the database, and the one that reports read if `DATABASE_READ_URL` is set, from the facts that were collected about
 * them. Pure.
 *
 * @module
 */

import type * as DatabaseUrl from "../../platform/postgres/DatabaseUrl.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import { type Finding, ofRows, ok, type Row } from "./Finding.ts"

/** The database cannot be used; `reason` is the sentence with which `serve` does not start. */
export interface Unavailable {
  readonly _tag: "Unavailable"
  readonly reason: string
}

export interface Reached {
  readonly _tag: "Reached"
  /** The privileges that the endpoints need and the user lacks, as `INSERT on page_view`. */
  readonly denied: ReadonlyArray<string>
  /** The privileges that the deletion of expired data needs and the user lacks. */
  readonly deniedForMaintenance: ReadonlyArray<string>
  /** The settings that must be on for a commit to survive a crash, and are off. */
  readonly off: ReadonlyArray<"fsync" | "full_page_writes" | "synchronous_commit">
  /** Whether the server reports that the connection uses TLS. */
  readonly isEncrypted: boolean
  /** How far the database's clock is ahead of this machine's, in milliseconds; negative if it is behind. */
  readonly clockAheadMillis: number
  /** The duration of the query that read the clock: the uncertainty of `clockAheadMillis`. */
  readonly roundTripMillis: number
  /** Whether a statement that is prepared in one transaction exists in the next; false behind some poolers. */
  readonly keepsStatements: boolean
  /** What failed in the background, what is set apart first. */
  readonly failedItems: ReadonlyArray<FailedItem>
}

export type DatabaseFacts = Unavailable | Reached

/** An item of background work that failed, such as the rollup of one website. */
export interface FailedItem {
  readonly kind: string
  /** The id of the website, event and so on. */
  readonly item: string
  readonly failures: number
  readonly reason: string
  /** When it is tried again, in milliseconds since 1970; null if it is set apart. */
  readonly retryAt: number | null
}

/** With a larger difference between the clocks, page views and salts would be assigned to the wrong day. */
export const maxClockSkewMillis = 5_000

/** The maximum number of failed items that are named. */
const maxNamed = 5

/** What to set in a pooler that does not keep prepared statements. */
export const poolerAdvice =
  "In PgBouncer 1.21 or newer, set max_prepared_statements = 200 and reload it; in an older one or another pooler, use pool_mode = session."

const grants = `Let the user in DATABASE_URL own the tables, or run as their owner what \`${hydracore} migrate --print-grants <user>\` prints.`

const ofFailedItem = ({ failures, item, kind, reason, retryAt }: FailedItem): Row => {
  const finding = `Background work (${kind} ${item}) failed ${failures === 1 ? "once" : `${failures} times`}: ${reason}.`
  return retryAt === null
    ? [
        true,
        "problem",
        "background",
        `${finding} It is set apart, and the others go on.`,
        "Correct what the reason names, or upgrade, then restart a process: it tries again what is set apart."
      ]
    : [
        true,
        "warning",
        "background",
        `${finding} It is tried again, and the others go on.`,
        "If it goes on failing, correct what the reason names, or upgrade."
      ]
}

/** The findings in the order in which to fix them. */
export const ofDatabase = (facts: DatabaseFacts, transport: DatabaseUrl.Transport): ReadonlyArray<Finding> => {
  if (facts._tag === "Unavailable") {
    const advice = "Fix this first, then run doctor again: nothing works without the database."
    return [{ check: "database", severity: "problem", finding: facts.reason, advice }]
  }
  const { clockAheadMillis, denied, deniedForMaintenance, failedItems, isEncrypted, off, roundTripMillis } = facts
  const skew = `${(Math.abs(clockAheadMillis) / 1000).toFixed(1)} s ${clockAheadMillis > 0 ? "ahead of" : "behind"}`
  return ofRows(
    ok("database", `The database answered in ${roundTripMillis} ms, and nothing about it needs a change.`),
    [
      [
        // A server behind a pooler reports its own connection, to the pooler.
        transport === "plain" || (transport === "preferred" && !isEncrypted),
        "warning",
        "encryption",
        "The database is on another machine and the connection does not use TLS: submissions can be read on the network.",
        "Add sslmode=require to DATABASE_URL; if your own CA signed the database's certificate, set NODE_EXTRA_CA_CERTS to the CA's file."
      ],
      [
        !facts.keepsStatements,
        "problem",
        "pooler",
        "A pooler before the database, such as PgBouncer, does not keep prepared statements: many requests get a 503.",
        poolerAdvice
      ],
      [
        denied.length > 0,
        "problem",
        "rights",
        `The database's user lacks ${denied.join(", ")}: the service does not start.`,
        grants
      ],
      [
        denied.length === 0 && deniedForMaintenance.length > 0,
        "warning",
        "rights",
        `The database's user lacks ${deniedForMaintenance.join(", ")}: expired data is not deleted.`,
        grants
      ],
      [
        off.length > 0,
        "problem",
        "durability",
        `Acknowledged data is lost if the database's machine fails: ${off.join(" and ")} ${off.length === 1 ? "is" : "are"} off.`,
        `Set ${off.map((name) => `${name} = on`).join(", ")} in postgresql.conf and reload the server.`
      ],
      [
        Math.abs(clockAheadMillis) - roundTripMillis / 2 > maxClockSkewMillis,
        "warning",
        "clock",
        `The database's clock is ${skew} this machine's.`,
        "Synchronize both machines with a time server (NTP); otherwise page views count on the wrong day."
      ],
      ...failedItems.slice(0, maxNamed).map(ofFailedItem),
      [
        failedItems.length > maxNamed,
        "warning",
        "background",
        `${failedItems.length - maxNamed} more items have failed in the background.`,
        "Correct the ones above first."
      ]
    ]
  )
}

export type ReaderFacts =
  | Unavailable
  | {
      readonly _tag: "Reached"
      /** How far the database is behind its primary, in seconds; null if it is not a standby. */
      readonly lagSeconds: number | null
      readonly keepsStatements: boolean
    }

/** A standby that is further behind than this causes a warning. */
export const maxLagSeconds = 60

/** @param facts null without `DATABASE_READ_URL` */
export const ofReader = (facts: ReaderFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  const reason = facts._tag === "Unavailable" ? facts.reason : null
  const lagSeconds = facts._tag === "Unavailable" ? null : facts.lagSeconds
  const behind = lagSeconds === null ? "" : `, which is ${lagSeconds.toFixed(1)} s behind its primary`
  return ofRows(ok("reader", `Reports read from DATABASE_READ_URL${behind}.`), [
    [
      reason !== null,
      "problem",
      "reader",
      `The database of reports cannot be used: ${reason}`,
      "Until it can be used, requests for reports get a 503. To read reports from DATABASE_URL instead, remove DATABASE_READ_URL and restart."
    ],
    [
      facts._tag === "Reached" && !facts.keepsStatements,
      "problem",
      "reader",
      "A pooler before the database of reports does not keep prepared statements: reports get a 503.",
      poolerAdvice
    ],
    [
      lagSeconds !== null && lagSeconds > maxLagSeconds,
      "warning",
      "reader",
      `Reports read from a standby that is ${lagSeconds?.toFixed(0)} seconds behind its primary.`,
      "Check that it receives and replays the primary's WAL (pg_stat_replication)."
    ]
  ])
}
