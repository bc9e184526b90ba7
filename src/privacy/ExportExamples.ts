/**
 * An example of each export, made by the functions that format exports. Pure.
 *
 * @module
 */
import * as AnalyticsExport from "../analytics/ExportRow.ts"
import { exampleMessage as submission } from "../forms/OwnerSubmissionsApi.ts"
import { HostedWebsiteId } from "../platform/Id.ts"
import * as Examples from "../sites/access/Examples.ts"
import * as PersonExport from "./PersonExport.ts"

const at = Date.parse(Examples.time)

const view: AnalyticsExport.Row = {
  type: "pageview",
  view: {
    hostedWebsiteId: HostedWebsiteId.make(Examples.siteId),
    receivedAt: at,
    path: "/pricing",
    campaign: { source: "newsletter", medium: "email", name: null, term: null, content: null },
    referrerHost: null,
    referrerPath: null,
    deviceType: "mobile",
    screenWidth: 390,
    sessionId: "s-8f14e45f",
    browser: "Safari",
    os: "iOS",
    visitorHash: "0f".repeat(16),
    country: "NO",
    exclusion: null
  }
}

export const analytics = {
  "text/csv": AnalyticsExport.csvHeader + AnalyticsExport.csv(view),
  "application/x-ndjson": AnalyticsExport.ndjson(view)
}

export const person = {
  "application/x-ndjson": `${PersonExport.json({ kind: "submission", submission })}\n`
}
