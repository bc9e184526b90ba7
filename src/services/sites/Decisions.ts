/**
 * Counts rejected page views, submissions and chat messages by reason. The interface only; see `memory/sites/Decisions` and
 * `postgres/sites/Decisions`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Counted, Counts, Subject } from "../../core/sites/Decision.ts"
import type { Site } from "../../core/sites/Site.ts"
import type { StorageUnavailable } from "../Storage.ts"

export class Decisions extends Context.Service<
  Decisions,
  {
    /**
     * Counts a rejection at the current time. It never fails and never waits for the store, which receives the counts a
     * moment later: those of the last moment before a process is killed are lost. A claimed id that no website has is
     * dropped.
     */
    readonly record: (subject: Subject, reason: Counted) => Effect.Effect<void>
    /** The rejections of a website, without those of chat messages, from one UTC date to another, both included, as far as they reached the store. */
    readonly counts: (query: {
      readonly site: Pick<Site, "websiteConfigId" | "trackingToken">
      /** `YYYY-MM-DD`. */
      readonly first: string
      readonly last: string
    }) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/services/Decisions") {}
