/**
 * Reads the counted page views and the events in the memory of this process.
 *
 * @module
 */
import { Effect, Layer, Stream } from "effect"
import type { Row } from "../../core/analytics/AnalyticsExport.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import { Events } from "./Events.ts"
import { PageViews } from "./PageViews.ts"

type Received = { readonly hostedWebsiteId: string; readonly receivedAt: number }

const within = <A extends Received>(rows: ReadonlyArray<A>, { from, hostedWebsiteId, to }: Query): ReadonlyArray<A> =>
  rows
    .filter((row) => row.hostedWebsiteId === hostedWebsiteId && row.receivedAt >= from && row.receivedAt < to)
    .sort((left, right) => left.receivedAt - right.receivedAt)

export const layer: Layer.Layer<AnalyticsExport, never, PageViews | Events> = Layer.effect(
  AnalyticsExport,
  Effect.gen(function* () {
    const views = yield* PageViews
    const events = yield* Events
    return {
      rows: (query) =>
        Stream.suspend(() =>
          Stream.fromIterable([
            ...within(views.all(), query)
              .filter(({ exclusion }) => exclusion === null)
              .map((view): Row => ({ type: "pageview", view })),
            ...within(events.all(), query).map((event): Row => ({ type: "event", event }))
          ])
        )
    }
  })
)
