/**
 * Says whether this process can serve. The interface alone; see `memory/Readiness` and `postgres/Readiness`.
 *
 * @module
 */
import { Context, type Effect, Schema } from "effect"

/** The process lives and cannot serve yet, or no longer. */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", {
  reason: Schema.Literals([
    "database-unreachable",
    "database-not-migrated",
    "database-read-only",
    "database-denied",
    "database-not-storing"
  ]),
  /** Why it is unreachable, as `StorageUnavailable` has it: for whoever starts the process, and not for whoever asks it. */
  code: Schema.optional(Schema.String)
}) {}

export class Readiness extends Context.Service<
  Readiness,
  {
    /**
     * Succeeds if the store answers within two seconds, has every migration that this version needs, and takes writes, from
     * us. While writes fail it tries by itself whether they would succeed: it recovers without one of a visitor.
     */
    readonly check: Effect.Effect<void, NotReady>
  }
>()("hydracore/services/Readiness") {}
