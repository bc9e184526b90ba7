/**
 * `GET /v1/owner/sites/{site_id}/live`.
 *
 * @module
 */
import { Effect, Schedule, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import { Caller } from "../sites/access/AuthenticationApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as AuthorizedHttp from "../sites/access/AuthorizedHttp.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import * as LiveFeeds from "./LiveFeeds.ts"
import type { LiveChange } from "./OwnerLiveApi.ts"

const frame = (event: "latest" | "change", change: LiveChange): string =>
  `event: ${event}\ndata: ${JSON.stringify(change)}\n\n`

/** A comment that keeps proxies from closing an idle stream, and detects closed connections. */
const heartbeat = ": beat\n\n"

/** How often the caller's access is checked, and after how many checks a heartbeat is sent. */
const checkInterval = "1 second"
const checksPerHeartbeat = 5

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "live",
  Effect.fnUntraced(function* (handlers) {
    const authorize = yield* AuthorizedHttp.makeAuthorize
    const operations = yield* SiteSlots
    const feeds = yield* LiveFeeds.make
    return handlers.handle(
      "follow",
      Effect.fnUntraced(function* () {
        const caller = yield* Caller
        const proof = yield* Authorized.inbox.read.proof
        const { websiteConfigId } = proof.site
        yield* operations.beginLive(websiteConfigId)
        const { changes, latest } = yield* feeds.follow(proof)
        /** Whether the caller may still follow the website. */
        const checkAccess = authorize(websiteConfigId, "inbox", "read").pipe(
          Effect.provideService(Caller, caller),
          Effect.andThen(caller.isValid),
          Effect.catchTags({ NotFound: () => Effect.succeed(false), StorageUnavailable: () => Effect.succeed(true) })
        )
        const heartbeats = Stream.fromSchedule(Schedule.spaced(checkInterval)).pipe(
          Stream.mapEffect((check) => Effect.map(checkAccess, (isAllowed) => ({ check, isAllowed }))),
          Stream.takeWhile(({ isAllowed }) => isAllowed),
          Stream.filter(({ check }) => check % checksPerHeartbeat === 0),
          Stream.map(() => heartbeat)
        )
        const frames = Stream.concat(
          Stream.succeed(frame("latest", latest)),
          Stream.map(changes, (change) => frame("change", change))
        )
        return HttpServerResponse.stream(
          Stream.encodeText(Stream.merge(frames, heartbeats, { haltStrategy: "either" })),
          {
            contentType: "text/event-stream"
          }
        )
      })
    )
  })
)
