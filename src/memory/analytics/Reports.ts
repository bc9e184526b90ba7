/**
 * Answers queries over the page views in the memory of this process.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import * as Evaluate from "../../core/analytics/report/Evaluate.ts"
import * as Statistics from "../../core/analytics/Statistics.ts"
import { type ReportSite, Reports } from "../../services/analytics/Reports.ts"
import { PageViews } from "./PageViews.ts"

/** How far back `now` looks. */
const recent = 5 * 60_000

export const layer: Layer.Layer<Reports, never, PageViews> = Layer.effect(
  Reports,
  Effect.gen(function* () {
    const views = yield* PageViews
    const viewsOf = ({ hostedWebsiteId }: ReportSite) =>
      views.all().filter((view) => !view.isBot && view.hostedWebsiteId === hostedWebsiteId)
    return {
      query: (site, query) =>
        Effect.sync(() =>
          Evaluate.evaluate(query, {
            views: viewsOf(site).map((view) => ({ ...view, country: null })),
            events: [],
            conversions: [],
            goals: []
          })
        ),
      now: (site) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const visitors = viewsOf(site).filter(({ receivedAt }) => receivedAt > now - recent && receivedAt <= now)
          return new Set(visitors.map(({ visitorHash }) => visitorHash)).size
        }),
      rebuild: () => Effect.void,
      statistics: (query) => Effect.sync(() => Statistics.aggregate(views.all(), query))
    }
  })
)
