/** Reads counts of a website's last UTC days from its reports. */
import { Effect } from "effect"
import type { Dimension, Metric } from "../../src/analytics/reports/Query.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as ReportQuery from "./ReportQuery.ts"
import { lastDays } from "./UtcDays.ts"

/** One list per row: the values of the dimensions, then those of the metrics. Sorted by the first dimension. */
export const countsBy = (
  hostedWebsiteId: string,
  dimensions: ReadonlyArray<Dimension>,
  metrics: ReadonlyArray<Metric>,
  period: { readonly days: number; readonly now: number }
) =>
  Reports.use((reports) =>
    reports.query(
      {
        hostedWebsiteId: HostedWebsiteId.make(hostedWebsiteId),
        websiteConfigId: WebsiteConfigId.make(hostedWebsiteId)
      },
      {
        ...ReportQuery.plain,
        siteId: hostedWebsiteId,
        metrics,
        dimensions,
        range: lastDays(period.days, period.now),
        timeZone: "UTC",
        orderBy: dimensions.slice(0, 1).map((by) => ({ by, direction: "asc" })),
        limit: 10_000
      }
    )
  ).pipe(Effect.map(({ results }) => results.map((row) => [...row.dimensions, ...row.metrics])))

/** The number of page views. */
export const pageViews = (hostedWebsiteId: string, period: { readonly days: number; readonly now: number }) =>
  Effect.map(countsBy(hostedWebsiteId, [], ["pageviews"], period), ([row]) => row?.[0])
