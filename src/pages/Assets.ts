/**
 * Serves the files that websites load (`Bundles.names`), such as `GET /v1/public/embed.js`. The plain name is cacheable for a
 * short time, the name with a hash, as in `embed.{hash}.js`, for a year. A request with any other hash, such as that of an old
 * version, gets the current version, cacheable for a short time, so that pages made before an upgrade continue to work.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Bundles from "./Bundles.ts"
import * as StaticContent from "./StaticContent.ts"

const pathOf = (name: Bundles.Name, hash?: string): `/${string}` => `/v1/public/${Bundles.fileName(name, hash)}`

/** The paths of this module, for `server/Fallbacks`. */
export const paths = Bundles.names.flatMap((name) => [
  { method: "GET", path: pathOf(name) },
  { method: "GET", path: pathOf(name, ":hash") }
])

/** Five minutes, then a day in which a cache may serve the old version while it fetches the new one. */
const shortLived = "public, max-age=300, stale-while-revalidate=86400"

const immutable = "public, max-age=31536000, immutable"

const notBuilt = ErrorResponses.refusal(503, "This file could not be bundled. See the service's log.", {
  "retry-after": "60",
  "cache-control": "no-store"
})

/** The response to a request for a bundle. Pure. */
const respond = (
  name: Bundles.Name,
  bundle: StaticContent.Compressed,
  request: {
    /** The hash in the URL, if any. */
    readonly hash: string | undefined
    readonly acceptEncoding: string | undefined
    readonly ifNoneMatch: string | undefined
  }
): HttpServerResponse.HttpServerResponse =>
  StaticContent.respond(bundle, request, {
    contentType: `text/${Bundles.isStyle(name) ? "css" : "javascript"}; charset=utf-8`,
    headers: {
      "cache-control": request.hash === bundle.hash ? immutable : shortLived,
      "cross-origin-resource-policy": "cross-origin",
      "timing-allow-origin": "*",
      "x-content-type-options": "nosniff"
    }
  })

/** All outcomes. Fails with them if a bundle could not be built, which is logged. */
const built = Effect.promise(Bundles.all).pipe(
  Effect.tap((outcomes) =>
    Effect.forEach(
      Bundles.names,
      (name) => {
        const outcome = outcomes[name]
        return outcome._tag === "Failed"
          ? Effect.annotateLogs(
              Effect.logError(`${Bundles.fileName(name)} could not be bundled; requests for it get a 503`),
              "reason",
              outcome.reason
            )
          : Effect.void
      },
      { discard: true }
    )
  ),
  Effect.filterOrFail(
    (outcomes) => Bundles.names.every((name) => outcomes[name]._tag === "Made"),
    (outcomes) => outcomes
  )
)

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const bundles = Effect.catch(yield* StaticContent.once(built), Effect.succeed)
    const handler = Effect.fnUntraced(function* (name: Bundles.Name) {
      const request = yield* HttpServerRequest.HttpServerRequest
      const { params } = yield* HttpRouter.RouteContext
      const outcome = (yield* bundles)[name]
      if (outcome._tag === "Failed") return notBuilt
      return respond(name, outcome.bundle, {
        hash: params["hash"],
        acceptEncoding: request.headers["accept-encoding"],
        ifNoneMatch: request.headers["if-none-match"]
      })
    })
    for (const name of Bundles.names) {
      yield* router.add("GET", pathOf(name), handler(name))
      yield* router.add("GET", pathOf(name, ":hash(^[0-9a-f]{8})"), handler(name))
    }
    // In the background at start, so that the first visitor does not wait.
    yield* Effect.forkScoped(bundles)
  })
)
