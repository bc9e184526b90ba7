/**
 * The data of a website: its retention, the export of page views and events, and the data of a person.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as AnalyticsExport from "../analytics/AnalyticsExport.ts"
import * as StoredView from "../analytics/StoredView.ts"
import { exampleMessage as submission } from "../forms/OwnerSubmissionsApi.ts"
import * as Field from "../platform/contract/Field.ts"
import { streamed } from "../platform/contract/OpenApi.ts"
import { HostedWebsiteId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as CorePerson from "./Person.ts"

/** The time of the examples of exports, which the functions that format exports make. */
const at = Date.parse(Fields.exampleTime)

const view: AnalyticsExport.Row = {
  type: "pageview",
  view: {
    ...StoredView.viewWithoutFacts,
    hostedWebsiteId: HostedWebsiteId.make(Fields.exampleSiteId),
    receivedAt: at,
    path: "/pricing",
    campaign: { ...StoredView.viewWithoutFacts.campaign, source: "newsletter", medium: "email" },
    deviceType: "mobile",
    screenWidth: 390,
    sessionId: "s-8f14e45f",
    browser: "Safari",
    os: "iOS",
    visitorHash: "0f".repeat(16),
    country: "NO"
  }
}

const analyticsExamples = {
  "text/csv": AnalyticsExport.csvHeader + AnalyticsExport.csv(view),
  "application/x-ndjson": AnalyticsExport.ndjson(view)
}

const personExamples = {
  "application/x-ndjson": `${CorePerson.exportLine({ kind: "submission", submission, replies: [] })}\n`
}

const base = "/v1/owner/sites/:site_id"

const params = { site_id: siteId }

const duration = Schema.NullOr(Schema.String).annotate({
  description: "Such as `90 days` or `25 months`; null if the data is kept until it is deleted"
})

export const Retention = Schema.Struct({
  page_views: duration,
  submissions: duration,
  conversations: duration
}).annotate({
  identifier: "Retention",
  examples: [{ page_views: "25 months", submissions: null, conversations: "30 days" }]
})

export const retention = HttpApiEndpoint.get("retention", `${base}/retention`, {
  params,
  success: Retention
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "read_retention",
      summary: "Read how long data is kept",
      description:
        "How long the service keeps what it stores: page views with events and conversions, submissions, and conversations after their last message. The operator's settings decide."
    })
  )

const exported = (contentType: string | ReadonlyArray<string>) =>
  HttpApiSchema.WithHeaders(HttpApiSchema.StreamUint8Array({ contentType }), {
    "content-disposition": Schema.String.annotate({ description: "The name of a file to save" })
  })

export const exportFormats = ["csv", "ndjson"] as const

export const exportAnalytics = HttpApiEndpoint.get("exportAnalytics", `${base}/analytics/export`, {
  params,
  query: {
    from: Fields.bound("The first day, in the website's time zone"),
    to: Fields.bound("The last day, in the website's time zone"),
    format: Fields.choice(exportFormats, { title: "Format" })
  },
  success: exported(["text/csv", "application/x-ndjson"])
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "export_analytics",
      transform: streamed("The page views, then the events", analyticsExamples),
      summary: "Export page views and events",
      description:
        "The counted page views and then the events, each oldest first, as CSV, the default, or newline-delimited JSON. The response breaks off if the service fails."
    })
  )

export const Person = Schema.Struct({
  email: Fields.parsed(
    { type: "string", format: "email", description: "An email address, in any letter case" },
    CorePerson.parse,
    "an email address such as ann@example.com is expected"
  ),
  kinds: Schema.optionalKey(
    Field.List(Field.Choice(CorePerson.kinds), { min: 1, max: CorePerson.kinds.length }).annotate({
      description: "Which kinds of data; all if absent"
    })
  )
}).annotate({ identifier: "Person", examples: [{ email: "ann@example.com" }] })

export const exportedPerson = exported("application/x-ndjson")

export const exportPerson = HttpApiEndpoint.post("exportPerson", `${base}/person/export`, {
  params,
  payload: Person,
  success: exportedPerson
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "export_person",
      transform: streamed("The records of the person", personExamples),
      summary: "Export a person's data",
      description:
        "What the website stores of a person, one JSON object per line: submissions, conversations, notifications, marks of spam, and their deliveries, each with its `kind`. The response breaks off if the service fails."
    })
  )

export const ErasedPerson = CorePerson.Erased.annotate({
  identifier: "ErasedPerson",
  description: "How much was deleted",
  examples: [{ submissions: 2, conversations: 1, notifications: 0, spam_marks: 0, accounts: 0, deliveries: 2 }]
})

export const erasePerson = HttpApiEndpoint.post("erasePerson", `${base}/person/erase`, {
  params,
  payload: Person,
  success: ErasedPerson
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "erase_person",
      summary: "Delete a person's data",
      description:
        "Deletes what `POST …/person/export` returns, permanently. Once begun, the deletion continues without the caller."
    })
  )

export class DataGroup extends HttpApiGroup.make("data")
  .add(retention, exportAnalytics, exportPerson, erasePerson)
  .annotateMerge(
    OpenApi.annotations({
      title: "Data",
      description: "The stored data of a website and of persons, and how long it is kept"
    })
  ) {}
