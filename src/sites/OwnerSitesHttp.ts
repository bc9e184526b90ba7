/**
 * The endpoints that list, create, read, change and delete websites.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Access from "./access/Access.ts"
import { Caller } from "./access/AuthenticationApi.ts"
import * as Authorized from "./access/Authorized.ts"
import * as Errors from "./access/Errors.ts"
import * as Fields from "./access/Fields.ts"
import { SiteSlots } from "./access/SiteSlots.ts"
import * as Site from "./Site.ts"
import { positionOf, SiteDirectory } from "./SiteDirectory.ts"
import { SiteErasure } from "./SiteErasure.ts"

export const wrongName = Errors.invalid("name", "the name of the website is expected; nothing was deleted")

const cannotCreate = Errors.make(
  "NotFound",
  "Only a key or a session that reaches all websites, and may change them, can create one."
)

/** The website; 404 if it was deleted meanwhile. */
const orUnknown = Effect.fromOption(() => Errors.unknownSite)

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "sites",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* SiteDirectory
    const erasure = yield* SiteErasure
    const { erasures } = yield* SiteSlots
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query: { search = null, ...range } }) {
          const { access } = yield* Caller
          const reached = Access.sitesWith(access, "stats", "read")
          const query = { ...Fields.rangeOf(range), search, sites: reached }
          const { items, next } = yield* Fields.readPart(query, directory.search, positionOf)
          return {
            sites: items.map((site) => ({
              ...Site.detailsOf(site),
              ...(!Access.permits(access, "settings", "read", site.websiteConfigId) && {
                tracking_token: null,
                origins: null
              })
            })),
            next
          }
        })
      )
      .handle(
        "create",
        Effect.fnUntraced(function* ({ payload: { name, origins = [], time_zone: timeZone } }) {
          const { access } = yield* Caller
          if (Access.sitesWith(access, "settings", "change") !== "all") return yield* Effect.fail(cannotCreate)
          return Site.detailsOf(yield* directory.create({ name, origins, timeZone }))
        })
      )
      .handle(
        "read",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          // The website of the proof may be cached, and older by ten seconds.
          yield* directory.invalidate(site)
          return Site.detailsOf(yield* orUnknown(yield* directory.byWebsiteConfigId(site.websiteConfigId)))
        })
      )
      .handle(
        "update",
        Effect.fnUntraced(function* ({ payload: { name, origins, time_zone: timeZone } }) {
          const { site } = yield* Authorized.settings.change.proof
          const change = {
            ...(name === undefined ? {} : { name }),
            ...(origins === undefined ? {} : { origins }),
            ...(timeZone === undefined ? {} : { timeZone })
          }
          const changed = yield* directory
            .update(site.websiteConfigId, change)
            .pipe(Effect.ensuring(directory.invalidate(site)))
          return Site.detailsOf(yield* orUnknown(changed))
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ payload: { name } }) {
          const { site } = yield* Authorized.admin.change.proof
          const { websiteConfigId } = site
          if ((yield* orUnknown(yield* erasure.nameOf(websiteConfigId))) !== name) return yield* Effect.fail(wrongName)
          // Once begun, the deletion continues even if the request ends.
          const erased = yield* erasures.runToEnd(
            websiteConfigId,
            erasure.erase(websiteConfigId, { withInstances: true }).pipe(Effect.ensuring(directory.invalidate(site)))
          )
          return yield* orUnknown(erased)
        })
      )
  })
)
