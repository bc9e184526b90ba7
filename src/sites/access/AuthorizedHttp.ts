/**
 * Implements `sites/access/Authorized.ts`: refuses a caller before the path and the body are decoded, because decoding may be
 * expensive, and because a refused caller must not learn more than that it is refused.
 *
 * @module
 */
import { Effect, Layer, Option, Result } from "effect"
import { HttpRouter, type HttpServerResponse } from "effect/http"
import type { unhandled } from "effect/Types"
import { parseUuid, WebsiteConfigId } from "../../platform/Id.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import * as Access from "./Access.ts"
import { Caller } from "./AuthenticationApi.ts"
import * as Authorized from "./Authorized.ts"
import * as Errors from "./Errors.ts"

/**
 * Makes the function that gives the proof that the caller may use a website, for handlers that learn its id from the body. A
 * website that does not exist, one that the caller does not reach and one for which the caller lacks the right fail alike, so
 * that a caller learns nothing about websites of others.
 */
export const makeAuthorize = Effect.map(SiteDirectory, (directory) =>
  Effect.fnUntraced(function* <C extends Access.Capability, M extends Access.Mode>(
    siteId: WebsiteConfigId,
    capability: C,
    mode: M
  ) {
    const caller = yield* Caller
    // No lookup here, so that the response time does not reveal whether another owner's website exists.
    if (!caller.access.some((one) => Access.reaches(one, siteId))) return yield* Effect.fail(Errors.unknownSite)
    const site = yield* directory.byWebsiteConfigId(siteId)
    const proof = Option.flatMap(site, (found) => Access.permit(caller.access, capability, mode, found))
    return yield* Effect.fromOption(proof, () => Errors.unknownSite)
  })
)

const ofSite = <C extends Access.Capability, M extends Access.Mode>(middleware: Authorized.OfSite<C, M>) =>
  Layer.effect(
    middleware,
    Effect.map(
      makeAuthorize,
      (authorize) => (handler) =>
        Effect.flatMap(HttpRouter.RouteContext, ({ params }) => {
          const siteId = parseUuid(params["site_id"] ?? "")
          // Not the id of a website: decoding the path fails with a 422, before the handler needs the proof.
          if (Result.isFailure(siteId)) {
            return handler as Effect.Effect<HttpServerResponse.HttpServerResponse, unhandled>
          }
          return Effect.flatMap(
            authorize(WebsiteConfigId.make(siteId.success), middleware.capability, middleware.mode),
            (proof) => Effect.provideService(handler, middleware.proof, proof)
          )
        })
    )
  )

const ofCaller = <C extends Access.Capability, M extends Access.Mode>(middleware: Authorized.OfCaller<C, M>) =>
  Layer.succeed(middleware, (handler) =>
    Caller.use(({ access }) =>
      Access.permitsAny(access, middleware.capability, middleware.mode)
        ? Effect.void
        : Effect.fail(Errors.withoutScope(Access.scopeFor(middleware.capability, middleware.mode)))
    ).pipe(Effect.andThen(handler))
  )

export const layer = Layer.mergeAll(
  ofSite(Authorized.stats.read),
  ofSite(Authorized.inbox.read),
  ofSite(Authorized.inbox.change),
  ofSite(Authorized.settings.read),
  ofSite(Authorized.settings.change),
  ofSite(Authorized.admin.read),
  ofSite(Authorized.admin.change),
  ofCaller(Authorized.caller.stats.read),
  ofCaller(Authorized.caller.inbox.read),
  ofCaller(Authorized.caller.settings.change),
  ofCaller(Authorized.caller.admin.read),
  ofCaller(Authorized.caller.admin.change)
)
