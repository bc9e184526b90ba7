/**
 * Keeps how often page views and submissions were not counted, and why. The interface alone; see `memory/sites/Decisions` and
 * `postgres/sites/Decisions`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Counts, Reason, Subject } from "../../core/sites/Decision.ts"
import type { Site } from "../../core/sites/Site.ts"
import type { StorageUnavailable } from "../Storage.ts"

export class Decisions extends Context.Service<
  Decisions,
  {
    /**
     * Counts one that was not counted, now. It never fails and never waits for a store: what is counted reaches it a moment
     * later, and what was counted in the moment before a process is killed is lost. A subject that turns out to be no
     * website is dropped.
     */
    readonly record: (subject: Subject, reason: Reason) => Effect.Effect<void>
    /**
     * What was not counted of a website in the last `days` UTC days, today included, as far as it reached the store. `now`
     * is in milliseconds since 1970.
     */
    readonly counts: (query: {
      readonly site: Pick<Site, "websiteConfigId" | "trackingToken">
      readonly days: number
      readonly now: number
    }) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/services/Decisions") {}
