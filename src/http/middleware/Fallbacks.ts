/**
 * Gives a body to every answer that no endpoint makes: an unknown path, a wrong method, a request that cannot be read, and
 * a defect.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type Cause, Context, Effect, Option } from "effect"
import { HttpServerError, HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import { Api } from "../../contract/Api.ts"
import * as ErrorResponses from "../endpoints/ErrorResponses.ts"

/** A path of ours and the methods that it has. */
export interface KnownPath {
  readonly method: string
  /** With `:name` for a segment that may be anything, or `before.:name.after` for the rest of one. */
  readonly path: string
}

const endpoints: Array<KnownPath> = []
HttpApi.reflect(Api, {
  onGroup: () => {},
  onEndpoint: ({ endpoint }: { readonly endpoint: HttpApiEndpoint.Top }) => {
    endpoints.push({ method: endpoint.method, path: endpoint.path })
  }
})

const matchesSegment = (template: string, segment: string): boolean => {
  const [before = "", after] = template.split(/:[a-z_]+/)
  if (after === undefined) return template === segment
  return segment.length > before.length + after.length && segment.startsWith(before) && segment.endsWith(after)
}

const matches = (template: string, path: string): boolean => {
  const expected = template.split("/")
  const given = path.split("/")
  return (
    expected.length === given.length && expected.every((segment, index) => matchesSegment(segment, given[index] ?? ""))
  )
}

/**
 * Whether the router may look a path up. It is lenient: it decodes escapes anywhere and ignores what follows a `;` or `#`.
 * A path that holds one of these is served only as it is published, that is, with an escape in a parameter alone. Pure.
 */
export const isPublished = (known: ReadonlyArray<KnownPath>, path: string): boolean =>
  !/[%;#]/.test(path) || known.some((route) => matches(route.path, path))

const pathOf = (url: string): string => url.split("?", 1)[0] ?? ""

/** The methods that a path has, `OPTIONS` among them; empty for an unknown path. Pure. */
export const allowedMethods = (known: ReadonlyArray<KnownPath>, path: string): ReadonlyArray<string> => {
  const methods = known.filter((route) => matches(route.path, path)).map((route) => route.method)
  if (methods.length === 0) return []
  return [...new Set([...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"])]
}

const notFound = (
  known: ReadonlyArray<KnownPath>,
  request: { readonly method: string; readonly url: string }
): HttpServerResponse.HttpServerResponse => {
  const allowed = allowedMethods(known, pathOf(request.url))
  // A method that the path has may still have found nothing: its route may be more exact than its path here.
  return allowed.length === 0 || allowed.includes(request.method)
    ? ErrorResponses.refusal(404, "There is nothing at this address. /docs lists what there is.")
    : ErrorResponses.refusal(405, `This address only answers ${allowed.join(", ")}.`, { allow: allowed.join(", ") })
}

/** The answer to a failure that tells by itself what it is; none for a defect. */
const known = (
  paths: ReadonlyArray<KnownPath>,
  error: unknown
): Option.Option<HttpServerResponse.HttpServerResponse> => {
  if (!HttpServerError.isHttpServerError(error)) return Option.none()
  const { reason } = error
  switch (reason._tag) {
    case "RouteNotFound":
      return Option.some(notFound(paths, reason.request))
    case "RequestParseError":
      return Option.some(
        reason.reason === "BodyTooLarge"
          ? ErrorResponses.refusal(413, "The body is too large. Send less at once.")
          : ErrorResponses.refusal(400, "The request cannot be read. Send it again.")
      )
    default:
      return Option.none()
  }
}

/** The answer to what no handler handled: a defect. An interruption stays one: there is nobody to answer. */
export const ofCause = (cause: Cause.Cause<unknown>): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
  // The client has gone, or the server is closing.
  if (cause.reasons.every((reason) => reason._tag === "Interrupt")) return Effect.failCause(cause as Cause.Cause<never>)
  const id = randomUUID()
  return Effect.as(
    Effect.annotateLogs(Effect.logError("A request met a defect; answered 500", cause), { "error.id": id }),
    ErrorResponses.refusal(500, "Internal Server Error", { "x-error-id": id })
  )
}

const answer = (paths: ReadonlyArray<KnownPath>, cause: Cause.Cause<unknown>) => {
  for (const reason of cause.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    const response = known(paths, error)
    if (Option.isSome(response)) return Effect.succeed(response.value)
  }
  return ofCause(cause)
}

/**
 * Middleware around the whole application. No error is left after it but an interruption; its type says the application's,
 * as the router wants it.
 *
 * @param paths what is served besides the endpoints of the contract.
 */
export const middleware =
  (paths: ReadonlyArray<KnownPath>) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> => {
    const all = [...endpoints, ...paths]
    const answered = Effect.catchCause(app, (cause) => answer(all, cause))
    return Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      return isPublished(all, pathOf(request.url)) ? answered : Effect.succeed(notFound(all, request))
    })
  }
