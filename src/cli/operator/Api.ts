/**
 * What only the operator may do, because an owner could reach the operator's network or read its environment with it, or send
 * mail to strangers. No HTTP server serves this API; commands call it in their process.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { Authentication } from "../../sites/access/AuthenticationApi.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { Validation } from "../../sites/access/ValidationApi.ts"
import * as Sites from "../../sites/OwnerSitesApi.ts"

/** All paths of this API begin with it. */
export const prefix = "/operator/"

const failures = [Errors.NotFound, Errors.ServiceUnavailable] as const

/**
 * Deletes a website as the owner API does, also one whose deletion was interrupted. Without `with_instances`, its instances stay and
 * serve no website, which only the operator can see.
 */
export const deleteSite = HttpApiEndpoint.post("deleteSite", "/operator/sites/:site_id/delete", {
  params: { site_id: Sites.siteId },
  payload: Schema.Struct({ ...Sites.Deletion.fields, with_instances: Schema.Boolean }),
  success: Sites.Deleted,
  error: failures
})

export class OperatorGroup extends HttpApiGroup.make("operator", { topLevel: true }).add(deleteSite) {}

export class OperatorApi extends HttpApi.make("hydracore-operator")
  .add(OperatorGroup)
  .middleware(Validation)
  .middleware(Authentication) {}
