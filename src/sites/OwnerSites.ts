/**
 * Websites for the owner API: only those that the caller may access.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Access from "./access/Access.ts"
import { Caller } from "./access/AuthenticationApi.ts"
import * as Errors from "./access/Errors.ts"
import type { Scope } from "./access/Scope.ts"
import { SiteDirectory } from "./SiteDirectory.ts"

type NotFound = (typeof Errors.NotFound)["Type"]

export class OwnerSites extends Context.Service<
  OwnerSites,
  {
    /**
     * The proof that the caller may use a website in a scope. A website that does not exist, one that the caller does not
     * reach and one that needs a larger scope fail alike, so that a caller learns nothing about websites of others.
     */
    readonly authorize: <S extends Scope>(
      siteId: WebsiteConfigId,
      scope: S
    ) => Effect.Effect<Access.AuthorizedSite<S>, NotFound | StorageUnavailable, Caller>
  }
>()("hydracore/sites/OwnerSites") {}

/** The response for a website that does not exist, or that the caller does not reach. */
export const notFound = Errors.make(
  "NotFound",
  "Your access includes no website with this site_id, or its scope does not allow this request. GET /v1/owner/sites lists the websites."
)

export const layer: Layer.Layer<OwnerSites, never, SiteDirectory> = Layer.effect(
  OwnerSites,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    return {
      authorize: Effect.fnUntraced(function* (siteId, scope) {
        const caller = yield* Caller
        // No lookup here, so that the response time does not reveal whether another owner's website exists.
        if (!Access.reaches(caller, siteId)) return yield* Effect.fail(notFound)
        const site = yield* directory.byWebsiteConfigId(siteId)
        const proof = Option.flatMap(site, (found) => Access.authorize(caller, scope, found))
        return yield* Effect.fromOption(proof, () => notFound)
      })
    }
  })
)
