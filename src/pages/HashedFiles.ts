/**
 * Serves files whose names contain a hash of their content, so that browsers keep them for a year.
 *
 * @module
 */
import path from "node:path"
import { Effect } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import type { Compressed } from "./Compression.ts"
import * as StaticContent from "./StaticContent.ts"

/** The headers that also the page has. */
export const headers = {
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

const immutable = { ...headers, "cache-control": "public, max-age=31536000, immutable" }

/** The response to a page of another version, which then asks its user to load the page again. */
const unknownFile = ErrorResponses.refusal(404, "This version of the service has no such file. Load the page again.", {
  "cache-control": "no-store"
})

const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".woff2": "font/woff2"
}

/** Answers the route `.../:file` with the file of this name. */
export const handler = <R>(
  files: Effect.Effect<ReadonlyMap<string, Compressed>, HttpServerResponse.HttpServerResponse, R>
) =>
  Effect.gen(function* () {
    const named = yield* files
    const { params } = yield* HttpRouter.RouteContext
    const name = params["file"] ?? ""
    const content = named.get(name)
    if (content === undefined) return unknownFile
    const request = yield* HttpServerRequest.HttpServerRequest
    return StaticContent.respond(
      content,
      { acceptEncoding: request.headers["accept-encoding"], ifNoneMatch: request.headers["if-none-match"] },
      { contentType: contentTypes[path.extname(name)] ?? "application/octet-stream", headers: immutable }
    )
  }).pipe(Effect.catch(Effect.succeed))
