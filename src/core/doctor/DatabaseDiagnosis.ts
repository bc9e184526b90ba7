/**
 * Diagnoses the database from the facts that were collected about it. Pure.
 *
 * @module
 */

import { hydracore } from "../text/CommandName.ts"
import type * as DatabaseUrl from "./DatabaseUrl.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export type DatabaseFacts =
  /** The database could not be queried; `reason` is a sentence for the operator. */
  | { readonly _tag: "Unavailable"; readonly reason: string }
  | {
      readonly _tag: "Reached"
      /** The ids of the migrations that the database lacks. */
      readonly pending: ReadonlyArray<number>
      /** How far the database's clock is ahead of this machine's, in milliseconds; negative if it is behind. */
      readonly clockAheadMillis: number
      /** The duration of the query that read the clock: the uncertainty of `clockAheadMillis`. */
      readonly roundTripMillis: number
      /** Whether the database is a standby, or `default_transaction_read_only` is on. */
      readonly isReadOnly: boolean
      /** The privileges that the endpoints need and the user lacks, as `INSERT on page_view`; empty if `isReadOnly`. */
      readonly denied: ReadonlyArray<string>
      /** The privileges that the deletion of expired data needs and the user lacks; empty if `isReadOnly`. */
      readonly deniedForMaintenance: ReadonlyArray<string>
      /** Whether the database's encoding can store every Unicode character. */
      readonly storesUnicode: boolean
      readonly fsync: boolean
      readonly fullPageWrites: boolean
      readonly synchronousCommit: string
      /** Whether the server reports that the connection uses TLS. */
      readonly isEncrypted: boolean
      /** The partitions of this month and the next three that do not exist. Empty before the database is migrated. */
      readonly missingPartitions: ReadonlyArray<string>
      /** Whether a statement that is prepared in one transaction exists in the next; false behind some poolers. */
      readonly keepsStatements: boolean
      /** The number of websites whose rollups lag; `unknown` if the database cannot count them in time, null if it lacks rights. */
      readonly laggingRollups: number | "unknown" | null
      /** What failed in the background, what is set apart first. */
      readonly failedItems: ReadonlyArray<FailedItem>
    }

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

const seconds = (millis: number): string => `${(Math.abs(millis) / 1000).toFixed(1)} s`

const reachable = ({ isReadOnly, roundTripMillis }: DatabaseFacts & { readonly _tag: "Reached" }): Finding =>
  isReadOnly
    ? problem(
        "database",
        "The database is read-only: it is a standby, or default_transaction_read_only is on.",
        "Set DATABASE_URL to the primary; a read-only database serves reports only."
      )
    : ok("database", `The database answered in ${roundTripMillis} ms.`)

/** `isEncrypted` decides only for `preferred`, since a server behind a pooler reports its connection to the pooler. */
const encryption = (isEncrypted: boolean, transport: DatabaseUrl.Transport): Finding => {
  if (transport === "local") return ok("encryption", "The database is on this machine, so no network is involved.")
  return transport === "tls" || (transport === "preferred" && isEncrypted)
    ? ok("encryption", "The connection to the database uses TLS.")
    : warning(
        "encryption",
        "The database is on another machine and the connection does not use TLS: submissions can be read on the network.",
        "Add sslmode=require to DATABASE_URL; if your own CA signed the database's certificate, set NODE_EXTRA_CA_CERTS to the CA's file."
      )
}

const rights = ({ denied, deniedForMaintenance }: DatabaseFacts & { readonly _tag: "Reached" }): Finding => {
  const advice = `Let the user in DATABASE_URL own the tables, or run as their owner what \`${hydracore} migrate --print-grants <user>\` prints.`
  if (denied.length > 0) {
    return problem("rights", `The database's user lacks ${denied.join(", ")}: the service does not start.`, advice)
  }
  return deniedForMaintenance.length > 0
    ? warning(
        "rights",
        `The database's user lacks ${deniedForMaintenance.join(", ")}: expired data is not deleted.`,
        advice
      )
    : ok("rights", "The database's user has all privileges that the service needs.")
}

const encoding = warning(
  "encoding",
  "The database's encoding cannot store every character: a page view or submission with a character that it cannot store gets a 422.",
  "Create a database WITH ENCODING 'UTF8' TEMPLATE template0, and move the data with pg_dump and pg_restore."
)

const durability = (facts: DatabaseFacts & { readonly _tag: "Reached" }): Finding => {
  const off = [
    ...(facts.fsync ? [] : ["fsync"]),
    ...(facts.fullPageWrites ? [] : ["full_page_writes"]),
    ...(facts.synchronousCommit === "off" ? ["synchronous_commit"] : [])
  ]
  return off.length === 0
    ? ok("durability", "Acknowledged data is on the disk: fsync, full_page_writes and synchronous_commit are on.")
    : problem(
        "durability",
        `Acknowledged data is lost if the database's machine fails: ${off.join(" and ")} ${off.length === 1 ? "is" : "are"} off.`,
        `Set ${off.map((name) => `${name} = on`).join(", ")} in postgresql.conf and reload the server.`
      )
}

const clock = ({ clockAheadMillis, roundTripMillis }: DatabaseFacts & { readonly _tag: "Reached" }): Finding =>
  Math.abs(clockAheadMillis) - roundTripMillis / 2 <= maxClockSkewMillis
    ? ok("clock", `The database's clock and this machine's agree within ${seconds(maxClockSkewMillis)}.`)
    : warning(
        "clock",
        `The database's clock is ${seconds(clockAheadMillis)} ${clockAheadMillis > 0 ? "ahead of" : "behind"} this machine's.`,
        "Synchronize both machines with a time server (NTP); otherwise page views count on the wrong day."
      )

/** What to set in a pooler that does not keep prepared statements. */
export const poolerAdvice =
  "In PgBouncer 1.21 or newer, set max_prepared_statements = 200 and reload it; in an older one or another pooler, use pool_mode = session."

const pooler = problem(
  "pooler",
  "A pooler before the database, such as PgBouncer, does not keep prepared statements: many requests get a 503.",
  poolerAdvice
)

const rollups = (laggingRollups: number | "unknown"): Finding => {
  if (laggingRollups === "unknown") {
    return warning(
      "rollups",
      "The database did not count in time the websites whose page views of closed days are not rolled up: many may be.",
      `See the log of a running service, which rolls them up and logs why it cannot; \`${hydracore} report rebuild\` does it now.`
    )
  }
  return laggingRollups === 0
    ? ok("rollups", "The page views of closed days are rolled up.")
    : warning(
        "rollups",
        `${laggingRollups} ${laggingRollups === 1 ? "website has" : "websites have"} page views of a closed day that are not rolled up: reports take longer.`,
        `A running service rolls them up and logs why it cannot; \`${hydracore} report rebuild\` does it now.`
      )
}

/** What the items of each kind are. */
const subjects: Readonly<Record<string, string>> = {
  rollup: "The rollup of the hosted website",
  leads: "The search for the visits of the leads of the hosted website",
  event: "The fan-out of the event",
  notification: "The making of the mails of the notification",
  mail: "The reading of the mail",
  replay: "The replay of the webhook"
}

/** The maximum number of failed items that are named. */
const maxNamed = 5

const background = (items: ReadonlyArray<FailedItem>): ReadonlyArray<Finding> => {
  if (items.length === 0) return [ok("background", "Nothing has failed in the background.")]
  const named = items.slice(0, maxNamed).map(({ failures, item, kind, reason, retryAt }) => {
    const finding = `${subjects[kind] ?? kind} ${item} failed ${failures === 1 ? "once" : `${failures} times`}: ${reason}.`
    return retryAt === null
      ? problem(
          "background",
          `${finding} It is set apart, and the others go on.`,
          "Correct what the reason names, or upgrade, then restart a process: it tries again what is set apart."
        )
      : warning(
          "background",
          `${finding} It is tried again, and the others go on.`,
          "If it goes on failing, correct what the reason names, or upgrade."
        )
  })
  const others = items.length - named.length
  return others <= 0
    ? named
    : [
        ...named,
        warning("background", `${others} more items have failed in the background.`, "Correct the ones above first.")
      ]
}

const migrate = `Run \`${hydracore} migrate\`.`

/** The findings in the order in which to fix them. */
export const ofDatabase = (facts: DatabaseFacts, transport: DatabaseUrl.Transport): ReadonlyArray<Finding> => {
  if (facts._tag === "Unavailable") {
    return [
      problem("database", facts.reason, "Fix this first, then run doctor again: nothing works without the database.")
    ]
  }
  const { missingPartitions, pending } = facts
  return [
    reachable(facts),
    encryption(facts.isEncrypted, transport),
    ...(facts.keepsStatements ? [] : [pooler]),
    pending.length === 0
      ? ok("migrations", "The database is migrated to this version.")
      : problem(
          "migrations",
          `The database lacks ${pending.length === 1 ? "the migration" : "the migrations"} ${pending.join(", ")}.`,
          migrate
        ),
    ...(pending.length > 0 || facts.isReadOnly ? [] : [rights(facts)]),
    ...(facts.storesUnicode ? [] : [encoding]),
    durability(facts),
    clock(facts),
    ...(pending.length > 0
      ? []
      : [
          missingPartitions.length === 0
            ? ok("partitions", "The partitions of page views and events exist for this month and the next three.")
            : warning(
                "partitions",
                `Partitions are missing: ${missingPartitions.join(", ")}. Their rows are stored in the default partition.`,
                `${migrate.slice(0, -1)} to create them; a running service tries every hour and logs why it cannot.`
              )
        ]),
    ...(facts.laggingRollups === null ? [] : [rollups(facts.laggingRollups)]),
    ...(pending.length > 0 ? [] : background(facts.failedItems))
  ]
}
