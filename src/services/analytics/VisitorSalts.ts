/**
 * Provides the secret of visitor hashes. The interface only; see `memory/analytics/VisitorSalts` and
 * `postgres/analytics/VisitorSalts`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../Storage.ts"

export class VisitorSalts extends Context.Service<
  VisitorSalts,
  {
    /**
     * The 32 random bytes of the current UTC day, the same for all processes that share the store. A salt is deleted 48
     * hours after its day began, so that older hashes cannot be recomputed.
     */
    readonly current: Effect.Effect<Uint8Array, StorageUnavailable>
  }
>()("hydracore/services/VisitorSalts") {}
