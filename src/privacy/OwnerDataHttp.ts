/**
 * The endpoints for a website's retention, the export of its page views and events, and the data of persons.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Rows from "../analytics/ExportRow.ts"
import * as LocalTime from "../analytics/reports/LocalTime.ts"
import { OwnerApi } from "../api/OwnerApi.ts"
import { Exports } from "../sites/access/Exports.ts"
import * as Failures from "../sites/access/Failures.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import * as Retention from "../sites/Retention.ts"
import { OwnerData } from "./OwnerData.ts"
import * as PersonExport from "./PersonExport.ts"

const retentionText = Option.match({ onNone: () => null, onSome: Retention.format })

const ndjson = "application/x-ndjson"

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "data",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const exports = yield* Exports
    const data = yield* OwnerData
    return handlers
      .handle("retention", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.map((proof) => {
            const { retentionConversations, retentionPageViews, retentionSubmissions } = data.retention(proof)
            return {
              page_views: retentionText(retentionPageViews),
              submissions: retentionText(retentionSubmissions),
              conversations: retentionText(retentionConversations)
            }
          }),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "exportAnalytics",
        Effect.fnUntraced(
          function* ({ params, query: { format = "csv", from, to } }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            yield* exports.begin(proof)
            const { startOf } = LocalTime.zone(proof.site.timeZone)
            const rows = data.rows(proof, {
              from: from === undefined ? 0 : startOf(from),
              // By default, a time that is later than all rows.
              to: to === undefined ? Date.UTC(9999, 0) : startOf(LocalTime.addDays(to, 1))
            })
            return format === "csv"
              ? exports.file(Stream.concat(Stream.succeed(Rows.csvHeader), Stream.map(rows, Rows.csv)), {
                  name: "analytics.csv",
                  contentType: "text/csv"
                })
              : exports.file(Stream.map(rows, Rows.ndjson), { name: "analytics.ndjson", contentType: ndjson })
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "exportPerson",
        Effect.fnUntraced(
          function* ({ params, payload: { email } }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            yield* exports.begin(proof)
            const lines = Stream.map(data.person(proof, email), (record) => `${PersonExport.json(record)}\n`)
            return exports.file(lines, { name: "person.ndjson", contentType: ndjson })
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("erasePerson", ({ params, payload: { email } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => data.erasePerson(proof, email)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
