/**
 * Stores custom events. The interface only; see the files of this name below `postgres` and `clickhouse`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { Event } from "./Event.ts"

export class EventRepo extends Context.Service<
  EventRepo,
  {
    /** Succeeds after the event is durable. An event of a website that does not exist is refused. */
    readonly append: (event: Event) => Effect.Effect<void, StorageUnavailable | RecordRefused>
  }
>()("hydracore/analytics/EventRepo") {}
