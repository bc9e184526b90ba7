/**
 * The shared dashboards of all websites.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as Share from "../../sites/access/Share.ts"
import * as Operations from "./Operations.ts"

/** Oldest first. The owner API lists those of one website: with many websites, a request for each would take minutes. */
const list = HttpApiEndpoint.get("list", "/operator/shares", {
  success: Schema.Struct({
    shares: Schema.Array(Schema.Struct({ ...Share.Share.fields, site_id: WebsiteConfigId }))
  }),
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("shares").add(list))

export const layer = HttpApiBuilder.group(
  Api,
  "shares",
  Effect.fnUntraced(function* (handlers) {
    const shares = yield* Share.Shares
    return handlers.handle("list", () => Effect.map(shares.list(null), (all) => ({ shares: all })))
  })
)
