/**
 * Websites, as the operator manages them, and the shared dashboards of all of them.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Share from "../../sites/access/Share.ts"
import * as SitesApi from "../../sites/OwnerSitesApi.ts"
import * as SiteHandlers from "../../sites/OwnerSitesHttp.ts"
import * as SiteDirectory from "../../sites/SiteDirectory.ts"
import { SiteErasure } from "../../sites/SiteErasure.ts"
import * as Operations from "./Operations.ts"

/**
 * Deletes a website as the owner API does, also one whose deletion was interrupted. Without `with_instances`, its instances stay and
 * serve no website, which only the operator can see.
 */
const deleteSite = HttpApiEndpoint.post("delete", "/operator/sites/:site_id/delete", {
  params: { site_id: SitesApi.siteId },
  payload: Schema.Struct({ ...SitesApi.Deletion.fields, with_instances: Schema.Boolean }),
  success: SitesApi.Deleted,
  error: Operations.failures
})

/** Finds the website of a record: the paths of the owner API begin with the website, and a command may name only the record. */
const siteOf = HttpApiEndpoint.get("siteOf", "/operator/records/:kind/:id/site", {
  params: { kind: Schema.Literals(SiteDirectory.recordKinds), id: Schema.String },
  success: Schema.Struct({ site_id: WebsiteConfigId }),
  error: Operations.failures
})

/** Finds the websites of a name whose deletion was interrupted: the owner API no longer lists them. */
const deleting = HttpApiEndpoint.get("deleting", "/operator/sites/deleting", {
  query: { name: Schema.String },
  success: Schema.Struct({ site_ids: Schema.Array(WebsiteConfigId) }),
  error: Operations.failures
})

/** Oldest first. The owner API lists those of one website: with many websites, a request for each would take minutes. */
const shares = HttpApiEndpoint.get("shares", "/operator/shares", {
  success: Schema.Struct({
    shares: Schema.Array(Schema.Struct({ ...Share.Share.fields, site_id: WebsiteConfigId }))
  }),
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("sites").add(deleteSite, siteOf, deleting, shares))

const noRecord = Errors.make("NotFound", "Nothing has this id.")

export const layer = HttpApiBuilder.group(
  Api,
  "sites",
  Effect.fnUntraced(function* (handlers) {
    const erasure = yield* SiteErasure
    const records = yield* SiteDirectory.RecordSites
    const shares = yield* Share.Shares
    return handlers
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params, payload }) {
          const name = yield* erasure.nameOf(params.site_id)
          if (Option.isNone(name)) return yield* Effect.fail(Operations.noSite)
          if (name.value !== payload.name) return yield* Effect.fail(SiteHandlers.wrongName)
          const erased = yield* erasure.erase(params.site_id, { withInstances: payload.with_instances })
          return yield* Effect.fromOption(erased, () => Operations.noSite)
        })
      )
      .handle("siteOf", ({ params: { id, kind } }) =>
        Effect.flatMap(
          records.siteOf(kind, id),
          Effect.fromOption(() => noRecord)
        ).pipe(Effect.map((site_id) => ({ site_id })))
      )
      .handle("deleting", ({ query: { name } }) => Effect.map(records.deleting(name), (site_ids) => ({ site_ids })))
      .handle("shares", () => Effect.map(shares.list(null), (all) => ({ shares: all })))
  })
)
