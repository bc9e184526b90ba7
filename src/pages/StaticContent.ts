/**
 * Serves content that does not change while the process runs. The content is compressed once and sent in the client's preferred
 * coding. A client that already has the content gets a 304
 * (RFC 9110). Files whose names contain a hash of their content are kept by browsers for a year.
 *
 * @module
 */
import path from "node:path"
import { Duration, Effect, Exit } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import type { Compressed } from "./Built.ts"

/** A content coding that the service offers. */
export type Coding = "br" | "gzip" | "identity"

/** In the order of preference among equal weights. The first makes the smallest responses. */
const codings: ReadonlyArray<Coding> = ["br", "gzip", "identity"]

/** The `q` of a coding, from 0 (not acceptable) to 1. An invalid `q` counts as 0. */
const weightOf = (parameters: ReadonlyArray<string>): number => {
  const q = parameters.map((parameter) => parameter.trim()).find((parameter) => /^q\s*=/i.test(parameter))
  if (q === undefined) return 1
  const value = q.slice(q.indexOf("=") + 1).trim()
  return /^(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/.test(value) ? Number(value) : 0
}

/**
 * The coding of the response. `identity` if there is no header, or if no supported coding is acceptable: unwanted identity
 * is better than a coding that the client cannot decode.
 */
export const coding = (acceptEncoding: string | undefined): Coding => {
  if (acceptEncoding === undefined) return "identity"
  const weights = new Map<string, number>()
  for (const item of acceptEncoding.split(",")) {
    const [name = "", ...parameters] = item.split(";")
    const key = name.trim().toLowerCase()
    // `x-gzip` is gzip's old name.
    if (key !== "") weights.set(key === "x-gzip" ? "gzip" : key, weightOf(parameters))
  }
  let best: Coding = "identity"
  // An `identity` that is not listed is the last choice.
  let bestWeight = weights.get("identity") ?? 0
  for (const candidate of codings) {
    const weight = weights.get(candidate) ?? (candidate === "identity" ? 0 : (weights.get("*") ?? 0))
    const isPreferred = codings.indexOf(candidate) < codings.indexOf(best)
    if (weight > bestWeight || (weight === bestWeight && weight > 0 && isPreferred)) {
      best = candidate
      bestWeight = weight
    }
  }
  return best
}

const opaque = (tag: string): string => tag.trim().replace(/^W\//, "")

/** Whether `If-None-Match` matches the entity tag. Weak tags match too: a proxy that compresses a response weakens its tag. */
export const matchesEtag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === "*" || ifNoneMatch.split(",").some((tag) => opaque(tag) === etag))

/** How long a failure is kept, so that a cause that lasts does not cost every request a run. */
const retryInterval = Duration.minutes(1)

/**
 * Runs `making` once, at the first use. If it fails, a use after `retryInterval` runs it again. The run is uninterruptible: if
 * it ended when its client disconnects, the next client would have to start it again, and the memory of an interrupted run is
 * released only when the process ends.
 */
export const once = <A, E, R>(making: Effect.Effect<A, E, R>): Effect.Effect<Effect.Effect<A, E, R>> =>
  Effect.map(
    Effect.cachedWithTTL(making, (exit) => (Exit.isSuccess(exit) ? Duration.infinity : retryInterval)),
    Effect.uninterruptible
  )

const unreadable = ErrorResponses.refusal(503, "This file could not be read. See the service's log.", {
  "retry-after": "60",
  "cache-control": "no-store"
})

/** Reads built files (`Built`) once, at the first use. A failure is logged; its error is the response to the request. */
export const built = <A>(
  what: string,
  read: () => Promise<A>
): Effect.Effect<Effect.Effect<A, HttpServerResponse.HttpServerResponse>> =>
  Effect.tryPromise(read).pipe(
    Effect.tapError(({ cause }) =>
      Effect.annotateLogs(
        Effect.logError(`${what} could not be read; requests get a 503`),
        "reason",
        cause instanceof Error ? cause.message : String(cause)
      )
    ),
    Effect.mapError(() => unreadable),
    once
  )

/** The response to the current request, by its `Accept-Encoding` and `If-None-Match`. */
export const respond = (
  content: Compressed,
  options: { readonly contentType: string; readonly headers: Readonly<Record<string, string>> }
) =>
  Effect.map(HttpServerRequest.HttpServerRequest, (request) => {
    const chosen = coding(request.headers["accept-encoding"])
    const etag = `"${content.hash}${chosen === "identity" ? "" : `-${chosen}`}"`
    const headers = {
      etag,
      vary: "Accept-Encoding",
      ...options.headers,
      ...(chosen === "identity" ? {} : { "content-encoding": chosen })
    }
    return matchesEtag(request.headers["if-none-match"], etag)
      ? HttpServerResponse.empty({ status: 304, headers })
      : HttpServerResponse.uint8Array(content.bytes[chosen], { contentType: options.contentType, headers })
  })

/** The headers that also the page has. */
export const fileHeaders = {
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
}

const immutable = { ...fileHeaders, "cache-control": "public, max-age=31536000, immutable" }

/** The response to a page of another version, which then asks its user to load the page again. */
const unknownFile = ErrorResponses.refusal(404, "This version of the service has no such file. Load the page again.", {
  "cache-control": "no-store"
})

const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".woff2": "font/woff2",
  ".webp": "image/webp"
}

/** Answers the route `.../:file` with the file of this name. */
export const hashedFile = <R>(
  files: Effect.Effect<ReadonlyMap<string, Compressed>, HttpServerResponse.HttpServerResponse, R>
) =>
  Effect.gen(function* () {
    const named = yield* files
    const { params } = yield* HttpRouter.RouteContext
    const name = params["file"] ?? ""
    const content = named.get(name)
    if (content === undefined) return unknownFile
    const contentType = contentTypes[path.extname(name)] ?? "application/octet-stream"
    return yield* respond(content, { contentType, headers: immutable })
  }).pipe(Effect.catch(Effect.succeed))
