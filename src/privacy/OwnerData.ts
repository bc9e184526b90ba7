/**
 * Retention, exports and the data of persons for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer, type Option, type Stream } from "effect"
import { AnalyticsExport, type Query } from "../analytics/AnalyticsExport.ts"
import type { Row } from "../analytics/ExportRow.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import { type Refused, SiteSlots } from "../sites/access/SiteSlots.ts"
import type { Retention } from "../sites/Retention.ts"
import * as Person from "./Person.ts"
import { Persons } from "./Persons.ts"

/** How long each kind of data is kept; `None` for no limit. */
export interface Options {
  readonly retentionPageViews: Option.Option<Retention>
  readonly retentionSubmissions: Option.Option<Retention>
  readonly retentionConversations: Option.Option<Retention>
}

export class OwnerData extends Context.Service<
  OwnerData,
  {
    readonly retention: (proof: AuthorizedSite<"read">) => Options
    /** Page views and then events, each oldest first. */
    readonly rows: (
      proof: AuthorizedSite<"read">,
      range: Pick<Query, "from" | "to">
    ) => Stream.Stream<Row, StorageUnavailable>
    /** The stored data of a person. `address` is a result of `Person.parse`, here and below. */
    readonly person: (
      proof: AuthorizedSite<"read">,
      address: string
    ) => Stream.Stream<Person.PersonRecord, StorageUnavailable>
    /** Deletes the data of a person. Once begun, the deletion continues even if the request ends. */
    readonly erasePerson: (
      proof: AuthorizedSite<"write">,
      address: string
    ) => Effect.Effect<Person.Erased, StorageUnavailable | Refused>
  }
>()("hydracore/privacy/OwnerData") {}

export const layer = (options: Options): Layer.Layer<OwnerData, never, AnalyticsExport | Persons | SiteSlots> =>
  Layer.effect(
    OwnerData,
    Effect.gen(function* () {
      const { rows } = yield* AnalyticsExport
      const persons = yield* Persons
      const { erasures } = yield* SiteSlots
      const queryOf = ({ site }: AuthorizedSite<"read">, address: string) => ({
        address,
        websiteConfigId: site.websiteConfigId,
        kinds: Person.kinds
      })
      return {
        retention: () => options,
        rows: ({ site }, range) => rows({ hostedWebsiteId: site.hostedWebsiteId, ...range }),
        person: (proof, address) => persons.records(queryOf(proof, address)),
        erasePerson: (proof, address) =>
          erasures.runToEnd(proof.site.websiteConfigId, persons.erase(queryOf(proof, address)))
      }
    })
  )
