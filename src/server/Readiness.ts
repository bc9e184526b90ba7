/**
 * Checks whether this process can serve requests. The interface only; see `server/postgres/Readiness`.
 *
 * @module
 */
import { Context, type Effect, Schema } from "effect"

/** The process is alive but cannot serve, not yet or no longer. */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", {
  reason: Schema.Literals([
    "database-unreachable",
    "database-not-migrated",
    "database-read-only",
    "database-denied",
    "database-not-storing",
    "analytics-not-migrated",
    "shutting-down"
  ]),
  /** Why the database is unreachable; see `StorageUnavailable`. Shown to the operator and never sent to clients. */
  code: Schema.optional(Schema.String)
}) {}

export class Readiness extends Context.Service<
  Readiness,
  {
    /**
     * Succeeds if the store answers within two seconds, has all migrations that this version needs, and accepts writes of the
     * service's user. A separate store of page views must only have its migrations: while it cannot be reached, forms and chats
     * still work. While writes fail, the check tries a write itself, so that the process can become ready without
     * requests.
     */
    readonly check: Effect.Effect<void, NotReady>
  }
>()("hydracore/server/Readiness") {}
