/**
 * The errors of all storage services. The set is closed: a layer maps every error of its database to one of these, and a
 * handler maps each to one HTTP response.
 *
 * @module
 */
import { Predicate, Schema } from "effect"

/**
 * The store did not confirm the operation in time. Nothing was acknowledged, and the request may be sent again.
 *
 * - `unreachable`: no connection, or broken connections, until the deadline.
 * - `read-only`: the store accepted no writes until the deadline: it is a standby, or a failover is in progress.
 * - `timeout`: the store did not answer before the deadline.
 * - `failed`: the store answered with an error that a retry does not change, such as a missing table. `code` names it.
 * - `overloaded`: the bounded queue in front of the store is full.
 */
export class StorageUnavailable extends Schema.TaggedError<StorageUnavailable>()("StorageUnavailable", {
  reason: Schema.Literals(["unreachable", "read-only", "timeout", "failed", "overloaded"]),
  /** The SQLSTATE, such as `3D000`, or the system's error code, such as `ECONNREFUSED`. Never sent to visitors. */
  code: Schema.optional(Schema.String),
  /** The setting that names the server, if it is not `DATABASE_URL`. */
  setting: Schema.optional(Schema.Literals(["DATABASE_READ_URL", "ANALYTICS_URL"])),
  /** For the log. Never sent to visitors. */
  cause: Schema.optional(Schema.Defect())
}) {}

const failures = {
  unreachable: "cannot be used",
  "read-only": "accepts no writes",
  timeout: "did not answer in time",
  failed: "answered with an error",
  overloaded: "is overloaded"
} as const

/** The name of the store, at the beginning of a sentence. */
export const nameOf = ({ setting }: Pick<StorageUnavailable, "setting">): string => {
  if (setting === undefined) return "The database"
  return setting === "ANALYTICS_URL" ? "ClickHouse" : `The database in ${setting}`
}

/** Why a store is unavailable, and what to do, in two sentences for the operator's log. */
export const describeUnavailable = (
  error: Pick<StorageUnavailable, "cause" | "code" | "reason" | "setting">
): string => {
  const { cause, code, reason } = error
  const detail = Predicate.isError(cause) && cause.message !== "" ? cause.message : code
  // A server that answers with an SQLSTATE, unlike the system's codes, runs.
  const next =
    reason === "failed" || /[0-9]/.test(code ?? "")
      ? "See hydracore doctor."
      : "Check that it runs; see hydracore doctor."
  return `${nameOf(error)} ${failures[reason]}${detail === undefined ? "" : ` (${detail})`}. ${next}`
}

/**
 * The store is healthy and refuses this record permanently. The other records of the batch are stored.
 *
 * - `unknown-site`: the website does not exist, or was deleted meanwhile.
 * - no reason: the store cannot represent the record.
 */
export class RecordRefused extends Schema.TaggedError<RecordRefused>()("RecordRefused", {
  /** The SQLSTATE, such as `22P05`: a character that the database's encoding cannot store. Never sent to visitors. */
  code: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.Literal("unknown-site")),
  cause: Schema.optional(Schema.Defect())
}) {}

/** As many as `maximum` allows exist already. Nothing was created. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  /** One of `sites/Maximums`. */
  maximum: Schema.Struct({
    max: Schema.Int,
    of: Schema.String,
    per: Schema.String,
    next: Schema.Literals(["delete", "revoke", "remove"])
  })
}) {}

/** The report took longer than allowed. A shorter date range, or a query without filters, takes less time. */
export class ReportTimeout extends Schema.TaggedError<ReportTimeout>()("ReportTimeout", {
  /** The allowed time, such as `10s`. */
  limit: Schema.String
}) {}

/**
 * The report has more groups than a process may hold, or needs more of the database's memory than a report may take. A shorter
 * date range, fewer dimensions or a filter makes it smaller.
 */
export class ReportTooLarge extends Schema.TaggedError<ReportTooLarge>()("ReportTooLarge", {
  /** The exceeded limit, such as `100000 rows` or `2 GB of memory`. */
  limit: Schema.String
}) {}
