/**
 * Reads page views and events from ClickHouse as fast as they are consumed.
 *
 * @module
 */
import { Effect, Layer, Schema, Stream } from "effect"
import type { Row } from "../../core/analytics/AnalyticsExport.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import { ClickHouse } from "../ClickHouse.ts"
import * as Errors from "../Errors.ts"
import { EventRow, ViewRow } from "./Rows.ts"

const ofPeriod = `WHERE hosted_website_id = {site:UUID}
  AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
  ORDER BY received_at`

const viewsStatement = `SELECT ${ViewRow.columns} FROM page_view ${ofPeriod}`

const eventsStatement = `SELECT ${EventRow.columns} FROM event ${ofPeriod}`

/** A period's ends as ClickHouse can represent them. */
const clamp = (millis: number): number => Math.min(Math.max(Math.trunc(millis), 0), Date.UTC(2149, 0))

export const layer: Layer.Layer<AnalyticsExport, never, ClickHouse> = Layer.effect(
  AnalyticsExport,
  Effect.map(ClickHouse, ({ stream }) => {
    const read = <A, I>(
      statement: string,
      schema: Schema.Codec<A, I>,
      { from, hostedWebsiteId, to }: Query,
      toRow: (row: A, hostedWebsiteId: string) => Row
    ) => {
      const decode = Schema.decodeUnknownEffect(schema)
      return stream(statement, { parameters: { site: hostedWebsiteId, from: clamp(from), to: clamp(to) } }).pipe(
        Stream.mapError(Errors.unavailable),
        Stream.mapEffect((row) => Effect.orDie(decode(row))),
        Stream.map((row) => toRow(row, hostedWebsiteId))
      )
    }
    return AnalyticsExport.of({
      rows: (query) =>
        Stream.concat(
          read(viewsStatement, ViewRow.schema, query, ViewRow.toRow),
          read(eventsStatement, EventRow.schema, query, EventRow.toRow)
        )
    })
  })
)
