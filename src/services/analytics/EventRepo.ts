/**
 * Stores custom events. The interface only; see `analytics/EventRepo` in `memory`, `postgres` and `clickhouse`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Event } from "../../core/analytics/Event.ts"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"

export class EventRepo extends Context.Service<
  EventRepo,
  {
    /** Succeeds after the event is durable. An event of a website that does not exist is refused. */
    readonly append: (event: Event) => Effect.Effect<void, StorageUnavailable | RecordRefused>
  }
>()("hydracore/services/EventRepo") {}
