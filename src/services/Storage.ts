/**
 * The errors that every storing service shares. They are closed: a layer maps whatever its database says to one of
 * these, and a handler maps each to one HTTP answer.
 *
 * @module
 */
import { Schema } from "effect"

/**
 * The store could not take or give the data in time. Nothing of the request was acknowledged, and it may be sent again.
 *
 * - `unreachable`: no connection, or it broke, until the deadline passed.
 * - `read-only`: it takes no writes until the deadline passed: a standby, or in the middle of a failover.
 * - `timeout`: the store did not answer before the deadline.
 * - `overloaded`: the bounded queue in front of the store is full.
 */
export class StorageUnavailable extends Schema.TaggedError<StorageUnavailable>()("StorageUnavailable", {
  reason: Schema.Literals(["unreachable", "read-only", "timeout", "overloaded"]),
  /** What the store's server calls it (a SQLSTATE such as `3D000`), or else the system (`ECONNREFUSED`). No visitor sees it. */
  code: Schema.optional(Schema.String),
  /** What failed, for the log. It never reaches a visitor. */
  cause: Schema.optional(Schema.Defect())
}) {}

/**
 * The store is healthy and refuses this one record for good. Sending it again does not help. Its neighbours in the same
 * batch are stored.
 *
 * - `unknown-site`: there is no such website, or no longer: it was deleted meanwhile.
 * - otherwise the record holds what the store cannot.
 */
export class RecordRefused extends Schema.TaggedError<RecordRefused>()("RecordRefused", {
  /** What the store's server calls it, such as `22P05`: a letter that its encoding has no place for. No visitor sees it. */
  code: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.Literal("unknown-site")),
  cause: Schema.optional(Schema.Defect())
}) {}
