/**
 * Says of what was seen of the database whether it is well, and what to do about what is not. Pure.
 *
 * @module
 */
import type * as DatabaseUrl from "./DatabaseUrl.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

export type DatabaseFacts =
  /** It could not be asked; `reason` is a sentence for the operator. */
  | { readonly _tag: "Away"; readonly reason: string }
  | {
      readonly _tag: "Reached"
      /** The ids of the migrations that it lacks. */
      readonly pending: ReadonlyArray<number>
      /** By how many milliseconds its clock is ahead of this machine's; negative if it is behind. */
      readonly clockAheadMillis: number
      /** How long the question for the clock took, in milliseconds: so much of it is not known. */
      readonly roundTripMillis: number
      /** Whether it takes no writes: a standby, or a database that its settings make so. */
      readonly isReadOnly: boolean
      /** The rights that the endpoints need and its user lacks, as `INSERT on page_view`; none where nothing is written. */
      readonly denied: ReadonlyArray<string>
      /** The same of the upkeep, which deletes what may not be kept. */
      readonly deniedForMaintenance: ReadonlyArray<string>
      /** Whether its encoding has a place for whatever visitors write. */
      readonly storesUnicode: boolean
      readonly fsync: boolean
      readonly fullPageWrites: boolean
      readonly synchronousCommit: string
      /** Whether the server says that it is spoken to with TLS. */
      readonly isEncrypted: boolean
      /** The partitions of this month and the next three that are not there; none are looked for before it is migrated. */
      readonly missingPartitions: ReadonlyArray<string>
    }

/** A clock that is further off than this gives page views and salts to the wrong day, in milliseconds. */
export const maxClockSkewMillis = 5_000

const seconds = (millis: number): string => `${(Math.abs(millis) / 1000).toFixed(1)} s`

const answers = ({ isReadOnly, roundTripMillis }: DatabaseFacts & { readonly _tag: "Reached" }): Finding =>
  isReadOnly
    ? problem(
        "database",
        "The database takes no writes: it is a standby, or default_transaction_read_only is on.",
        "Reports can be read here; for everything else set DATABASE_URL to the primary."
      )
    : ok("database", `The database answers, in ${roundTripMillis} ms.`)

/** A server behind a pooler speaks of its link to the pooler, so it is asked only where the driver cannot be sure. */
const encryption = (isEncrypted: boolean, transport: DatabaseUrl.Transport): Finding => {
  if (transport === "local") return ok("encryption", "The database is on this machine: nothing goes over a network.")
  return transport === "tls" || (transport === "preferred" && isEncrypted)
    ? ok("encryption", "The database is spoken to with TLS.")
    : warning(
        "encryption",
        "The database is on another machine and spoken to without TLS: whoever can read that network reads the submissions.",
        "Add sslmode=require to DATABASE_URL; where its certificate is signed by a root of your own, name that one's file in NODE_EXTRA_CA_CERTS."
      )
}

const rights = ({ denied, deniedForMaintenance }: DatabaseFacts & { readonly _tag: "Reached" }): Finding => {
  const advice =
    "Let the user in DATABASE_URL own the tables, or grant it SELECT, INSERT, UPDATE and DELETE on all of them."
  if (denied.length > 0) {
    return problem("rights", `The database's user lacks ${denied.join(", ")}: the service does not start.`, advice)
  }
  return deniedForMaintenance.length > 0
    ? warning(
        "rights",
        `The database's user lacks ${deniedForMaintenance.join(", ")}: what may not be kept for long is not deleted.`,
        advice
      )
    : ok("rights", "The database's user may do what the service does.")
}

const encoding = warning(
  "encoding",
  "The database's encoding has no place for every letter: what holds one of the others is answered 422.",
  "Make a database WITH ENCODING 'UTF8' TEMPLATE template0, and move everything there with pg_dump and pg_restore."
)

const durability = (facts: DatabaseFacts & { readonly _tag: "Reached" }): Finding => {
  const off = [
    ...(facts.fsync ? [] : ["fsync"]),
    ...(facts.fullPageWrites ? [] : ["full_page_writes"]),
    ...(facts.synchronousCommit === "off" ? ["synchronous_commit"] : [])
  ]
  return off.length === 0
    ? ok("durability", "What is acknowledged is on the disk: fsync, full_page_writes and synchronous_commit are on.")
    : problem(
        "durability",
        `What is acknowledged may be lost when the database's machine fails: ${off.join(" and ")} ${off.length === 1 ? "is" : "are"} off.`,
        `Set ${off.map((name) => `${name} = on`).join(", ")} in postgresql.conf and reload the server.`
      )
}

const clock = ({ clockAheadMillis, roundTripMillis }: DatabaseFacts & { readonly _tag: "Reached" }): Finding =>
  Math.abs(clockAheadMillis) - roundTripMillis / 2 <= maxClockSkewMillis
    ? ok("clock", `The database's clock and this machine's agree within ${seconds(maxClockSkewMillis)}.`)
    : warning(
        "clock",
        `The database's clock is ${seconds(clockAheadMillis)} ${clockAheadMillis > 0 ? "ahead of" : "behind"} this machine's.`,
        "Let both machines follow a time server (NTP); otherwise page views count on the wrong day."
      )

const migrate = "Run `npm run -s hydracore -- migrate`."

/** What is to be said of a database, in the order in which one would mend it. */
export const ofDatabase = (facts: DatabaseFacts, transport: DatabaseUrl.Transport): ReadonlyArray<Finding> => {
  if (facts._tag === "Away") {
    return [problem("database", facts.reason, "Nothing works without the database: mend this first, then look again.")]
  }
  const { missingPartitions, pending } = facts
  return [
    answers(facts),
    encryption(facts.isEncrypted, transport),
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
            ? ok("partitions", "The page views of this month and the next three have their partitions.")
            : warning(
                "partitions",
                `Partitions are missing: ${missingPartitions.join(", ")}. Their page views are stored and counted in the default partition.`,
                `${migrate.slice(0, -1)}, which makes them; a running service tries so every hour, and its log says why it cannot.`
              )
        ])
  ]
}
