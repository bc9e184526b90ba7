/**
 * The endpoints that create, read, change and delete a website.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Failures from "./access/Failures.ts"
import * as Validation from "./access/Validation.ts"
import { OwnerSites } from "./OwnerSites.ts"
import type { Site } from "./Site.ts"
import type { Erased } from "./SiteErasure.ts"

const toJson = (site: Site) => ({
  site_id: site.websiteConfigId,
  tracking_token: site.trackingToken,
  name: site.name,
  origins: site.origins,
  time_zone: site.timeZone,
  created_at: Calendar.iso(site.createdAt)
})

const erasedJson = (erased: Erased) => ({
  page_views: erased.pageViews,
  bot_views: erased.botViews,
  events: erased.events,
  conversions: erased.conversions,
  submissions: erased.submissions,
  conversations: erased.conversations
})

const wrongName = Validation.failed([
  {
    loc: ["body", "name"],
    msg: "Value error, the name of the website is expected; nothing was deleted",
    type: "value_error"
  }
])

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "setUp",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    return handlers
      .handle("create", ({ payload: { name, origins = [], time_zone: timeZone } }) =>
        ownerSites
          .create({ name, origins, timeZone })
          .pipe(Effect.map(toJson), Effect.catchTag("StorageUnavailable", Failures.ofStorage))
      )
      .handle("read", ({ params }) =>
        ownerSites
          .authorize(params.site_id, "read")
          .pipe(
            Effect.flatMap(ownerSites.read),
            Effect.map(toJson),
            Effect.catchTag("StorageUnavailable", Failures.ofStorage)
          )
      )
      .handle("update", ({ params, payload: { name, origins, time_zone: timeZone } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) =>
            ownerSites.update(proof, {
              ...(name === undefined ? {} : { name }),
              ...(origins === undefined ? {} : { origins }),
              ...(timeZone === undefined ? {} : { timeZone })
            })
          ),
          Effect.map(toJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delete", ({ params, payload: { name } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => ownerSites.delete(proof, name)),
          Effect.flatMap(
            Option.match({
              onNone: () => Effect.fail(wrongName),
              onSome: (erased) => Effect.succeed(erasedJson(erased))
            })
          ),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
