/**
 * The endpoints for a website's retention, the export of its page views and events, and the data of persons.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as AnalyticsExport from "../analytics/AnalyticsExport.ts"
import { AnalyticsRepo } from "../analytics/AnalyticsRepo.ts"
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { AnyAuthorizedSite } from "../sites/access/Access.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import * as Retention from "../sites/Retention.ts"
import type { Person as Payload } from "./OwnerDataApi.ts"
import * as Person from "./Person.ts"

const retentionText = Option.match({ onNone: () => null, onSome: Retention.format })

const ndjson = "application/x-ndjson"

/** How long each kind of data is kept; `None` for no limit. */
export interface Options {
  readonly retentionPageViews: Option.Option<Retention.Retention>
  readonly retentionSubmissions: Option.Option<Retention.Retention>
  readonly retentionConversations: Option.Option<Retention.Retention>
}

export const layer = ({ retentionConversations, retentionPageViews, retentionSubmissions }: Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "data",
    Effect.fnUntraced(function* (handlers) {
      const analytics = yield* AnalyticsRepo
      const persons = yield* Person.Persons
      const { erasures, exports } = yield* SiteSlots
      const personOf = ({ site }: AnyAuthorizedSite, { email, kinds = Person.kinds }: typeof Payload.Type) => ({
        address: email,
        websiteConfigId: site.websiteConfigId,
        kinds
      })
      return handlers
        .handle("retention", () =>
          Effect.succeed({
            page_views: retentionText(retentionPageViews),
            submissions: retentionText(retentionSubmissions),
            conversations: retentionText(retentionConversations)
          })
        )
        .handle(
          "exportAnalytics",
          Effect.fnUntraced(function* ({ query: { format = "csv", from, to } }) {
            const proof = yield* Authorized.inbox.read.proof
            yield* exports.begin(proof)
            const { site } = proof
            const { hostedWebsiteId, timeZone } = site
            const { before, since } = LocalTime.boundsOf({ from, to }, timeZone)
            // By default, times before and after all rows.
            const rows = analytics.rows({ hostedWebsiteId, from: since ?? 0, to: before ?? Date.UTC(9999, 0) })
            return format === "csv"
              ? exports.file(
                  Stream.concat(Stream.succeed(AnalyticsExport.csvHeader), Stream.map(rows, AnalyticsExport.csv)),
                  {
                    site,
                    name: "analytics.csv",
                    contentType: "text/csv"
                  }
                )
              : exports.file(Stream.map(rows, AnalyticsExport.ndjson), {
                  site,
                  name: "analytics.ndjson",
                  contentType: ndjson
                })
          })
        )
        .handle(
          "exportPerson",
          Effect.fnUntraced(function* ({ payload }) {
            const proof = yield* Authorized.inbox.read.proof
            yield* exports.begin(proof)
            const records = persons.records(personOf(proof, payload))
            const lines = Stream.map(records, (record) => `${Person.exportLine(record)}\n`)
            return exports.file(lines, { site: proof.site, name: "person.ndjson", contentType: ndjson })
          })
        )
        .handle(
          "erasePerson",
          Effect.fnUntraced(function* ({ payload }) {
            const proof = yield* Authorized.inbox.change.proof
            // Once begun, the deletion continues even if the request ends.
            return yield* erasures.runToEnd(proof.site.websiteConfigId, persons.erase(personOf(proof, payload)))
          })
        )
    })
  )
