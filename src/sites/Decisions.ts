/**
 * Counts rejections by reason: the page views, submissions and chat messages that were not counted or not accepted. The interface
 * only; see `sites/postgres/Decisions`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Counts, Refused, Subject, TallyReason } from "../platform/http/Decision.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Site } from "./Site.ts"

export class Decisions extends Context.Service<
  Decisions,
  {
    /**
     * Counts a rejection at the current time. It never fails and never waits for the store, which receives the counts shortly
     * after: if a process is killed, the counts that it has not sent are lost. The counts of a `Claimed` subject are dropped if
     * its id belongs to no website. What was refused is kept for the problems of the website (`health`), up to
     * `maxDistinctRefused`.
     */
    readonly record: (subject: Subject, reason: TallyReason, refused?: Refused) => Effect.Effect<void>
    /**
     * The rejections of a website, except those of chat messages, between two UTC dates, both inclusive, as far as the store
     * has received them.
     */
    readonly counts: (query: {
      readonly site: Pick<Site, "websiteConfigId" | "trackingToken">
      /** The first and the last date, `YYYY-MM-DD`. */
      readonly first: string
      readonly last: string
    }) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/sites/Decisions") {}
