/**
 * The endpoints that create, read, change and delete a website.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import { Caller } from "./access/AuthenticationApi.ts"
import * as Authorized from "./access/Authorized.ts"
import * as Errors from "./access/Errors.ts"
import { SiteSlots } from "./access/SiteSlots.ts"
import type { Site } from "./Site.ts"
import { SiteDirectory } from "./SiteDirectory.ts"
import { type Erased, SiteErasure } from "./SiteErasure.ts"

const toJson = (site: Site) => ({
  site_id: site.websiteConfigId,
  tracking_token: site.trackingToken,
  name: site.name,
  origins: site.origins,
  time_zone: site.timeZone,
  created_at: Calendar.iso(site.createdAt)
})

export const erasedJson = (erased: Erased) => ({
  page_views: erased.pageViews,
  bot_views: erased.botViews,
  events: erased.events,
  conversions: erased.conversions,
  submissions: erased.submissions,
  conversations: erased.conversations
})

export const wrongName = Errors.invalid("name", "the name of the website is expected; nothing was deleted")

const cannotCreate = Errors.make(
  "NotFound",
  "Only a key or a session that reaches all websites, and may change them, can create one."
)

/** The website; 404 if it was deleted meanwhile. */
const orUnknown = Effect.fromOption(() => Errors.unknownSite)

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "setUp",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* SiteDirectory
    const erasure = yield* SiteErasure
    const { erasures } = yield* SiteSlots
    return handlers
      .handle(
        "create",
        Effect.fnUntraced(function* ({ payload: { name, origins = [], time_zone: timeZone } }) {
          const { sites } = yield* Caller
          if (sites !== "all") return yield* Effect.fail(cannotCreate)
          return toJson(yield* directory.create({ name, origins, timeZone }))
        })
      )
      .handle(
        "read",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          // The website of the proof may be cached, and older by ten seconds.
          yield* directory.invalidate(site)
          return toJson(yield* orUnknown(yield* directory.byWebsiteConfigId(site.websiteConfigId)))
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
          return toJson(yield* orUnknown(changed))
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
          return erasedJson(yield* orUnknown(erased))
        })
      )
  })
)
