/**
 * Stores events in batches.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import type { ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import type { WritableSites } from "../../sites/WritableSites.ts"
import type { Event } from "../Event.ts"
import { EventRepo } from "../EventRepo.ts"
import * as StoredView from "../StoredView.ts"
import * as Batches from "./Batches.ts"
import * as Columns from "./Columns.ts"

/** The properties as JSON, in which lone surrogates are escaped. */
const jsonOf = ({ properties }: Event): string | null => (properties === null ? null : JSON.stringify(properties))

/** The properties as texts, which reports group by. JavaScript formats them, because ClickHouse formats numbers differently. */
const textsOf = ({ properties }: Event): ReadonlyArray<readonly [name: string, text: string]> =>
  Object.entries(properties ?? {}).map(([name, value]) => [name, String(value)])

const weigh = ({ path, properties }: Event): number => {
  let size = 600 + path.length
  for (const name in properties) size += 40 + 2 * (name.length + String(properties[name]).length)
  return size
}

export const target: Batches.Target<Event> = {
  table: "event",
  weigh,
  columns: [
    Columns.uuid("hosted_website_id", (event) => event.hostedWebsiteId),
    Columns.time("received_at", (event) => event.receivedAt),
    Columns.text("name", (event) => event.name),
    ...StoredView.commonColumns.map(Columns.ofStored<Event>),
    Columns.textOrNull("properties", jsonOf),
    Columns.textMap("property_texts", textsOf),
    Columns.thousandthsOrNull("revenue_amount", (event) => event.revenue?.amount ?? null),
    Columns.textOrNull("revenue_currency", (event) => event.revenue?.currency ?? null),
    Columns.bool("is_interactive", (event) => event.isInteractive)
  ]
}

export const layer = (options: Batches.Options): Layer.Layer<EventRepo, never, ClickHouse | WritableSites> =>
  Layer.effect(
    EventRepo,
    Effect.map(Batches.make("events", target, options), ({ submit }) => EventRepo.of({ append: submit }))
  )
