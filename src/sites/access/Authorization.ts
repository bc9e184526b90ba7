/**
 * Refuses a caller before the request's body is decoded: decoding may be expensive, and a refused caller must not learn more
 * than that it is refused.
 *
 * The id of a website in the path and the scope are checked here. A handler still authorizes the caller, because only
 * `OwnerSites.authorize` gives the proof that it needs, and because the body can also name websites.
 *
 * @module
 */
import { Context, Effect, Layer, Option, Result } from "effect"
import { HttpRouter } from "effect/http"
import { WebsiteConfigId } from "../../platform/Id.ts"
import { parseUuid } from "../../platform/text/Uuid.ts"
import * as Capability from "../Capability.ts"
import * as OwnerSites from "../OwnerSites.ts"
import { Caller } from "./AuthenticationApi.ts"
import { Authorization, RequiredScope } from "./AuthorizationApi.ts"
import * as Authorized from "./Authorized.ts"
import * as Errors from "./Errors.ts"
import * as Failures from "./Failures.ts"
import * as Scope from "./Scope.ts"

const withoutScope = (scope: Scope.Scope) =>
  Errors.make("NotFound", `The scope of this request does not include this operation, which needs the scope ${scope}.`)

export const layer: Layer.Layer<Authorization, never, OwnerSites.OwnerSites> = Layer.effect(
  Authorization,
  Effect.gen(function* () {
    const sites = yield* OwnerSites.OwnerSites
    return (handler, { endpoint }) => {
      // It has a middleware of its own.
      if (Authorized.requiredBy(endpoint) !== undefined) return handler
      const required = Option.getOrUndefined(Context.getOption(endpoint.annotations, RequiredScope))
      if (!endpoint.path.includes(":site_id")) {
        if (required === undefined) return handler
        const requireScope = Effect.flatMap(Caller, ({ grants }) =>
          Capability.covers(grants, Scope.grants[required]) ? Effect.void : Effect.fail(withoutScope(required))
        )
        return Effect.andThen(requireScope, handler)
      }
      if (required === undefined) throw new Error(`${endpoint.path} names a website but declares no scope`)
      return Effect.flatMap(HttpRouter.RouteContext, ({ params }) => {
        const siteId = parseUuid(params["site_id"] ?? "")
        // Not the id of a website: decoding the path fails with a 422, before the body is decoded.
        if (Result.isFailure(siteId)) return handler
        return sites
          .authorize(WebsiteConfigId.make(siteId.success), required)
          .pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage), Effect.andThen(handler))
      })
    }
  })
)
