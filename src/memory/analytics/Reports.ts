/**
 * Answers queries over the page views and events in the memory of this process.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import * as Evaluate from "../../core/analytics/report/Evaluate.ts"
import type { SiteRows } from "../../core/analytics/report/Row.ts"
import { type ReportSite, Reports } from "../../services/analytics/Reports.ts"
import { Conversions } from "./Conversions.ts"
import { Events } from "./Events.ts"
import { GoalRows } from "./GoalRows.ts"
import { PageViews } from "./PageViews.ts"

/** `currentVisitors` counts the visitors who were seen within this time. */
const recentMillis = 5 * 60_000

export const layer: Layer.Layer<Reports, never, PageViews | Events | Conversions | GoalRows> = Layer.effect(
  Reports,
  Effect.gen(function* () {
    const views = yield* PageViews
    const events = yield* Events
    const conversions = yield* Conversions
    const goals = yield* GoalRows
    const ofSite = <A extends { readonly hostedWebsiteId: string }>(
      rows: { readonly all: () => ReadonlyArray<A> },
      { hostedWebsiteId }: ReportSite
    ): ReadonlyArray<A> => rows.all().filter((row) => row.hostedWebsiteId === hostedWebsiteId)
    const viewsOf = (site: ReportSite) => ofSite(views, site).filter(({ exclusion }) => exclusion === null)
    const rowsOf = (site: ReportSite): SiteRows => ({
      views: viewsOf(site),
      events: ofSite(events, site),
      conversions: ofSite(conversions, site),
      goals: [...goals.values()].filter(({ websiteConfigId }) => websiteConfigId === site.websiteConfigId)
    })
    return {
      query: (site, query) => Effect.sync(() => Evaluate.evaluate(query, rowsOf(site))),
      queryCoarse: (site, query) => Effect.sync(() => Evaluate.evaluateCoarse(query, rowsOf(site))),
      currentVisitors: (site) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const rows = [...viewsOf(site), ...ofSite(events, site)]
          const seen = rows.filter(({ receivedAt }) => receivedAt > now - recentMillis && receivedAt <= now)
          return new Set(seen.map(({ visitorHash }) => visitorHash)).size
        }),
      rebuild: () => Effect.void
    }
  })
)
