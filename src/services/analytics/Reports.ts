/**
 * Reads statistics of page views. The interface only; see `memory/analytics/Reports` and `postgres/analytics/Reports`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Statistics } from "../../core/analytics/Statistics.ts"
import type { StorageUnavailable } from "../Storage.ts"

export class Reports extends Context.Service<
  Reports,
  {
    /**
     * The statistics of a hosted website for the last `days` UTC days, today included, without bots. `now` is in
     * milliseconds since 1970.
     */
    readonly statistics: (query: {
      readonly hostedWebsiteId: string
      readonly days: number
      readonly now: number
    }) => Effect.Effect<Statistics, StorageUnavailable>
  }
>()("hydracore/services/Reports") {}
