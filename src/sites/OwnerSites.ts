/**
 * Websites for the owner API: only those that the caller may access.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import type { Counts } from "../platform/http/Decision.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Access from "./access/Access.ts"
import { Caller } from "./access/AuthenticationApi.ts"
import * as Errors from "./access/Errors.ts"
import type { Scope } from "./access/Scope.ts"
import { type Refused, SiteSlots } from "./access/SiteSlots.ts"
import { Decisions } from "./Decisions.ts"
import type { Site, SiteChange } from "./Site.ts"
import { SiteDirectory } from "./SiteDirectory.ts"
import { type Erased, SiteErasure } from "./SiteErasure.ts"
import { positionOf, type SiteQuery } from "./SiteQuery.ts"

type NotFound = (typeof Errors.NotFound)["Type"]

export class OwnerSites extends Context.Service<
  OwnerSites,
  {
    /** A part of the list of the websites that the caller may access in any scope, oldest first. */
    readonly list: (query: Omit<SiteQuery, "sites">) => Effect.Effect<Cursor.Part<Site>, StorageUnavailable, Caller>
    /**
     * The proof that the caller may use a website in a scope. A website that does not exist, one that the caller does not
     * reach and one that needs a larger scope fail alike, so that a caller learns nothing about websites of others.
     */
    readonly authorize: <S extends Scope>(
      siteId: string,
      scope: S
    ) => Effect.Effect<Access.AuthorizedSite<S>, NotFound | StorageUnavailable, Caller>
    /** Creates a website. Fails for a caller without the scope `write` for all websites. */
    readonly create: (
      site: Parameters<SiteDirectory["Service"]["create"]>[0]
    ) => Effect.Effect<Site, NotFound | StorageUnavailable, Caller>
    /** The website as it is stored. The website of the proof may be cached, and older by ten seconds. */
    readonly read: (proof: Access.AuthorizedSite<"read">) => Effect.Effect<Site, NotFound | StorageUnavailable>
    /** Changes a website. This process applies the change at once, and other processes within ten seconds. */
    readonly update: (
      proof: Access.AuthorizedSite<"write">,
      change: SiteChange
    ) => Effect.Effect<Site, NotFound | StorageUnavailable>
    /**
     * Deletes a website with its data and its instances. If `name` is not its name, deletes nothing and returns none. Once
     * begun, the deletion continues even if the caller's request ends.
     */
    readonly delete: (
      proof: Access.AuthorizedSite<"write">,
      name: string
    ) => Effect.Effect<Option.Option<Erased>, NotFound | StorageUnavailable | Refused>
    /** The counts of decisions from one UTC date to another, both included. */
    readonly decisions: (
      proof: Access.AuthorizedSite<"stats">,
      days: { readonly first: string; readonly last: string }
    ) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/sites/OwnerSites") {}

/** The response for a website that does not exist, or that the caller does not reach. */
export const notFound = Errors.make(
  "NotFound",
  "Your access includes no website with this site_id, or its scope does not allow this request. GET /v1/owner/sites lists the websites."
)

const cannotCreate = Errors.make(
  "NotFound",
  "Only a key or a session that reaches all websites, and may change them, can create one."
)

export const layer: Layer.Layer<OwnerSites, never, SiteDirectory | Decisions | SiteErasure | SiteSlots> = Layer.effect(
  OwnerSites,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const decisions = yield* Decisions
    const erasure = yield* SiteErasure
    const { erasures } = yield* SiteSlots
    return {
      list: ({ limit, ...query }) =>
        Caller.use(({ sites }) =>
          Effect.map(directory.search({ ...query, sites, limit: limit + 1 }), (found) =>
            Cursor.partOf(found, limit, positionOf)
          )
        ),
      authorize: Effect.fnUntraced(function* (siteId, scope) {
        const caller = yield* Caller
        // No lookup here, so that the response time does not reveal whether another owner's website exists.
        if (!Access.reaches(caller, siteId)) return yield* Effect.fail(notFound)
        const site = yield* directory.byWebsiteConfigId(siteId)
        const proof = Option.flatMap(site, (found) => Access.authorize(caller, scope, found))
        return yield* Effect.fromOption(proof, () => notFound)
      }),
      create: (site) =>
        Caller.use(
          (caller): Effect.Effect<Site, NotFound | StorageUnavailable> =>
            Access.manages(caller, { scope: "write", sites: "all" })
              ? directory.create(site)
              : Effect.fail(cannotCreate)
        ),
      read: ({ site }) =>
        directory.invalidate(site).pipe(
          Effect.andThen(directory.byWebsiteConfigId(site.websiteConfigId)),
          // The website was deleted meanwhile.
          Effect.flatMap(Effect.fromOption(() => notFound))
        ),
      update: ({ site }, change) =>
        directory.update(site.websiteConfigId, change).pipe(
          Effect.ensuring(directory.invalidate(site)),
          // The website was deleted meanwhile.
          Effect.flatMap(Effect.fromOption(() => notFound))
        ),
      delete: Effect.fnUntraced(function* ({ site }, name) {
        const { websiteConfigId } = site
        const current = yield* erasure.nameOf(websiteConfigId)
        if (Option.isNone(current)) return yield* Effect.fail(notFound)
        if (current.value !== name) return Option.none()
        const erased = yield* erasures.runToEnd(
          websiteConfigId,
          erasure.erase(websiteConfigId, { withInstances: true }).pipe(Effect.ensuring(directory.invalidate(site)))
        )
        return yield* Option.match(erased, {
          onNone: () => Effect.fail(notFound),
          onSome: () => Effect.succeed(erased)
        })
      }),
      decisions: ({ site }, days) => decisions.counts({ site, ...days })
    }
  })
)
