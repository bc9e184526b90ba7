/**
 * What is stored of the websites for which the caller's right is proven.
 *
 * @module
 */
import { Context, Effect, Fiber, Layer, type Option, type Stream } from "effect"
import type { Caller } from "../../contract/owner/Authentication.ts"
import type * as Errors from "../../contract/owner/Errors.ts"
import type { Row } from "../../core/analytics/AnalyticsExport.ts"
import * as Person from "../../core/persons/Person.ts"
import type { AuthorizedSite } from "../../core/sites/Access.ts"
import type { Retention } from "../../core/sites/Retention.ts"
import { AnalyticsExport, type Query } from "../../services/analytics/AnalyticsExport.ts"
import { Persons } from "../../services/persons/Persons.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import { CallerReads } from "./CallerReads.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

/** How long the operator has data kept; none for ever. */
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
    /** What the website stores of a person. `address` is as `Person.parse` returns it, here and below. */
    readonly person: (
      proof: AuthorizedSite<"read">,
      address: string
    ) => Stream.Stream<Person.PersonRecord, StorageUnavailable>
    /**
     * Deletes it. Once begun, the deletion continues if the caller's request ends, and counts among the caller's searches until it
     * has ended: each reads all that the website stores.
     */
    readonly erasePerson: (
      proof: AuthorizedSite<"write">,
      address: string
    ) => Effect.Effect<Person.Erased, StorageUnavailable | TooManyRequests, Caller>
  }
>()("hydracore/http/owner/OwnerData") {}

export const layer = (options: Options): Layer.Layer<OwnerData, never, AnalyticsExport | Persons | CallerReads> =>
  Layer.effect(
    OwnerData,
    Effect.gen(function* () {
      const { rows } = yield* AnalyticsExport
      const persons = yield* Persons
      const reads = yield* CallerReads
      const scope = yield* Effect.scope
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
          Effect.andThen(reads.begin("search"), persons.erase(queryOf(proof, address))).pipe(
            Effect.scoped,
            Effect.forkIn(scope),
            Effect.flatMap(Fiber.join)
          )
      }
    })
  )
