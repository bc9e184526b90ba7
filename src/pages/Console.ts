/**
 * Serves the console: the page at `GET /console`, and the scripts and the style sheet at `GET /console/{name}-{hash}.{js,css}`,
 * which are cacheable for a year. The console's data comes from the owner API of the same origin.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as ConsoleFiles from "./ConsoleFiles.ts"
import * as StaticContent from "./StaticContent.ts"

const pagePaths = ["/console", "/console/"] as const

const filePath = `${ConsoleFiles.folder}:file` as const

/** The paths of this module, for `server/Fallbacks`. */
export const paths = [...pagePaths, filePath].map((path) => ({ method: "GET", path }))

const common = {
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

const pageHeaders = {
  ...common,
  "cache-control": "no-cache",
  "content-security-policy": ConsoleFiles.policy,
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer"
}

const fileHeaders = { ...common, "cache-control": "public, max-age=31536000, immutable" }

const notBuilt = ErrorResponses.refusal(503, "The console could not be bundled. See the service's log.", {
  "retry-after": "60",
  "cache-control": "no-store"
})

/** The response to a page of another version of the console, which then asks its user to load the page again. */
const unknownFile = ErrorResponses.refusal(404, "This version of the console has no such file. Load the page again.", {
  "cache-control": "no-store"
})

/** The files, bundled at the first request. A failure is logged. */
const files = Effect.tryPromise(() => ConsoleFiles.all()).pipe(
  Effect.tapError(({ cause }) =>
    Effect.annotateLogs(
      Effect.logError("The console could not be bundled; requests for it get a 503"),
      "reason",
      cause instanceof Error ? cause.message : String(cause)
    )
  )
)

const respond = (content: StaticContent.Compressed, contentType: string, headers: Readonly<Record<string, string>>) =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
    StaticContent.respond(
      content,
      { acceptEncoding: request.headers["accept-encoding"], ifNoneMatch: request.headers["if-none-match"] },
      { contentType, headers }
    )
  )

export const layer = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const cachedFiles = Effect.option(yield* StaticContent.once(files))
    const page = Effect.flatMap(
      cachedFiles,
      Option.match({
        onNone: () => Effect.succeed(notBuilt),
        onSome: (files) => respond(files.page, "text/html; charset=utf-8", pageHeaders)
      })
    )
    const file = Effect.gen(function* () {
      const files = yield* cachedFiles
      const { params } = yield* HttpRouter.RouteContext
      if (Option.isNone(files)) return notBuilt
      const asset = files.value.named.get(params["file"] ?? "")
      return asset === undefined ? unknownFile : yield* respond(asset.content, asset.contentType, fileHeaders)
    })
    for (const path of pagePaths) yield* router.add("GET", path, page)
    yield* router.add("GET", filePath, file)
  })
)
