/**
 * The store of page views, events and conversions, if it is not the database of the websites: the operations that the layers of
 * that database need. The interface only; see `analytics/clickhouse/SeparateStore`.
 *
 * @module
 */
import { Context, type Effect, Option } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Erased } from "../sites/SiteErasure.ts"
import type { Conversion, VisitorRow } from "./Lead.ts"

/** Times are milliseconds since 1970. */
export interface VisitorQuery {
  readonly hostedWebsiteId: string
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly until: number
  readonly visitorHashes: ReadonlyArray<string>
}

export interface Store {
  /** Whether the store has all migrations that this version needs. */
  readonly isMigrated: Effect.Effect<boolean, StorageUnavailable>
  /** The page views and events with the hashes, in any order. */
  readonly visitorRows: (query: VisitorQuery) => Effect.Effect<ReadonlyArray<VisitorRow>, StorageUnavailable>
  /** Succeeds after the conversions are durable. Several calls with the same `batchId` store them once. */
  readonly addConversions: (
    batchId: string,
    conversions: ReadonlyArray<Conversion>
  ) => Effect.Effect<void, StorageUnavailable>
  /** Deletes all rows of a website from the disk, and returns how many. Callers must store nothing for it afterwards. */
  readonly erase: (
    hostedWebsiteId: string
  ) => Effect.Effect<Pick<Erased, "page_views" | "bot_views" | "events" | "conversions">, StorageUnavailable>
  /** The websites of which visits, sums of them or counts of late rows are stored. */
  readonly websitesWithVisits: Effect.Effect<ReadonlyArray<string>, StorageUnavailable>
  /** Deletes these of a website from the disk. Those of a website that still has page views are computed again. */
  readonly eraseVisits: (hostedWebsiteId: string) => Effect.Effect<void, StorageUnavailable>
  /** Deletes the rows of the UTC months that ended before `time`, and returns the names of these months. */
  readonly dropMonthsBefore: (time: number) => Effect.Effect<ReadonlyArray<string>, StorageUnavailable>
}

/** None: the database of the websites stores page views, events and conversions too. */
export const SeparateStore = Context.Reference<Option.Option<Store>>("hydracore/analytics/SeparateStore", {
  defaultValue: () => Option.none()
})
