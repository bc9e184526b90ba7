/**
 * Stores page views and events in batches. Counted views, excluded views and events have separate tables and batches.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import type { WritableSites } from "../../sites/SiteDirectory.ts"
import { AnalyticsRepo } from "../AnalyticsRepo.ts"
import type { Event } from "../Event.ts"
import type { PageView } from "../PageView.ts"
import * as StoredView from "../StoredView.ts"
import * as AnalyticsExport from "./AnalyticsExport.ts"
import * as Batches from "./Batches.ts"
import * as Columns from "./Columns.ts"

const columns: Batches.Target<PageView>["columns"] = [
  Columns.uuid("hosted_website_id", (view) => view.hostedWebsiteId),
  Columns.time("received_at", (view) => view.receivedAt),
  ...StoredView.columns.map(Columns.ofStored<PageView>)
]

/** Estimates the size of a view, in UTF-16 units. Only these parts may be long. */
const weigh = ({ path, referrerPath }: PageView): number => 600 + path.length + (referrerPath?.length ?? 0)

export const counted: Batches.Target<PageView> = { table: "page_view", columns, weigh }

export const excluded: Batches.Target<PageView> = {
  table: "bot_view",
  columns: [...columns, Columns.text("reason", (view) => view.exclusion ?? "bot")],
  weigh
}

/** The properties as JSON, in which lone surrogates are escaped. */
const jsonOf = ({ properties }: Event): string | null => (properties === null ? null : JSON.stringify(properties))

/** The properties as texts, which reports group by. JavaScript formats them, because ClickHouse formats numbers differently. */
const textsOf = ({ properties }: Event): ReadonlyArray<readonly [name: string, text: string]> =>
  Object.entries(properties ?? {}).map(([name, value]) => [name, String(value)])

const weighEvent = ({ path, properties }: Event): number => {
  let size = 600 + path.length
  for (const name in properties) size += 40 + 2 * (name.length + String(properties[name]).length)
  return size
}

export const events: Batches.Target<Event> = {
  table: "event",
  weigh: weighEvent,
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

export const layer = (options: Batches.Options): Layer.Layer<AnalyticsRepo, never, ClickHouse | WritableSites> =>
  Layer.effect(
    AnalyticsRepo,
    Effect.gen(function* () {
      const clickHouse = yield* ClickHouse
      const countedViews = yield* Batches.make("page-views", counted, options)
      const excludedViews = yield* Batches.make("bot-views", excluded, options)
      const { submit } = yield* Batches.make("events", events, options)
      return AnalyticsRepo.of({
        append: (view) => (view.exclusion === null ? countedViews : excludedViews).submit(view),
        appendEvent: submit,
        rows: (query) => AnalyticsExport.rowsOf(clickHouse, options.timeout, query)
      })
    })
  )
