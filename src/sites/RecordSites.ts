/**
 * Finds the website of a record by the record's id alone. Only for the operator, whose commands may name a record without its
 * website: a handler of the owner API cannot use it (`server/OwnerRoutes`). The interface only; see `sites/postgres/RecordSites`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"

/** What belongs to a website, and has an id of its own. */
export const kinds = ["goal", "share", "submission", "webhook", "notification"] as const

export type Kind = (typeof kinds)[number]

export class RecordSites extends Context.Service<
  RecordSites,
  {
    /** The website of a record; none if no record of this kind has the id, a canonical UUID. */
    readonly siteOf: (kind: Kind, id: string) => Effect.Effect<Option.Option<WebsiteConfigId>, StorageUnavailable>
    /** The websites of this name whose deletion began and is not complete. Nothing else finds them by their name. */
    readonly deleting: (name: string) => Effect.Effect<ReadonlyArray<WebsiteConfigId>, StorageUnavailable>
  }
>()("hydracore/sites/RecordSites") {}
