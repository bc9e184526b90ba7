/**
 * The events in memory. The memory layer of `EventRepo` writes them, and other memory layers read them.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { Event } from "../../core/analytics/Event.ts"
import * as Recent from "./Recent.ts"

export class Events extends Context.Service<Events, Recent.Recent<Event>>()("hydracore/memory/Events") {}

/** At most `capacity` events, by default 100,000. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<Events> =>
  Layer.sync(Events, () => Recent.make<Event>(options?.capacity ?? 100_000))
