/**
 * Provides the secret of visitor hashes. The interface only; see `analytics/memory/VisitorSalts` and
 * `analytics/postgres/VisitorSalts`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"

export class VisitorSalts extends Context.Service<
  VisitorSalts,
  {
    /**
     * The 32 random bytes of a date, in days since 1970: the same for all processes that share the store, and for all websites.
     * A salt is deleted after the date has ended in every time zone (`VisitorDay.lastEnded`), so that older hashes cannot be
     * recomputed. Callers ask for no such date.
     */
    readonly of: (day: number) => Effect.Effect<Uint8Array, StorageUnavailable>
  }
>()("hydracore/analytics/VisitorSalts") {}
