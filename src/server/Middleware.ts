/**
 * The middleware around all routes of a server: the client's address behind a proxy, CORS, and the answers to requests that no
 * endpoint answers: unknown paths, wrong methods, unreadable requests, and defects.
 *
 * @module
 */
import { type Cause, Context, Effect, Layer, Option } from "effect"
import { HttpMiddleware, HttpRouter, HttpServerError, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import type { IpNetwork } from "effect/net"
import { isOpenAiPath } from "../chat/OpenAiApi.ts"
import * as OpenAiErrors from "../chat/OpenAiErrors.ts"
import * as Assets from "../pages/Assets.ts"
import * as Page from "../pages/Page.ts"
import * as StartPage from "../pages/StartPage.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Incoming from "../platform/http/Incoming.ts"
import * as Origin from "../platform/http/Origin.ts"
import { ownerPrefix } from "../platform/http/Routes.ts"
import * as Trace from "../platform/http/Trace.ts"
import * as ClientAddress from "../platform/limits/ClientAddress.ts"

/** A path that the service serves, with one of its methods. */
export interface KnownPath {
  readonly method: string
  /** A template: `:name` matches a segment, and `before.:name.after` matches the middle of one. */
  readonly path: string
}

/** The paths of an API. */
export const endpointsOf = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>
): ReadonlyArray<KnownPath> => {
  const paths: Array<KnownPath> = []
  HttpApi.reflect(api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint: { method, path } }) => void paths.push({ method, path })
  })
  return paths
}

const matchesSegment = (template: string, segment: string): boolean => {
  const [before = "", after] = template.split(/:[a-z_]+/)
  if (after === undefined) return template === segment
  return segment.length > before.length + after.length && segment.startsWith(before) && segment.endsWith(after)
}

const matches = (template: string, path: string): boolean => {
  const expected = template.split("/")
  const actual = path.split("/")
  return (
    expected.length === actual.length &&
    expected.every((segment, index) => matchesSegment(segment, actual[index] ?? ""))
  )
}

/**
 * Whether the router may look up a path. The router decodes `%` escapes anywhere and ignores everything after `;` or `#`. So a
 * path with one of these characters must match a template, which allows them only in parameters. Pure.
 */
export const mayLookUp = (known: ReadonlyArray<KnownPath>, path: string): boolean =>
  !/[%;#]/.test(path) || known.some((route) => matches(route.path, path))

const pathOf = (url: string): string => url.split("?", 1)[0] ?? ""

/**
 * The methods of a path, with `HEAD` if `GET` is one of them, and with `OPTIONS` outside the owner API, which has no CORS;
 * empty for an unknown path. Pure.
 */
export const allowedMethods = (known: ReadonlyArray<KnownPath>, path: string): ReadonlyArray<string> => {
  const methods = known.filter((route) => matches(route.path, path)).map((route) => route.method)
  if (methods.length === 0) return []
  const implied = [...(methods.includes("GET") ? ["HEAD"] : []), ...(path.startsWith(ownerPrefix) ? [] : ["OPTIONS"])]
  return [...new Set([...methods, ...implied])]
}

const notFound = (
  known: ReadonlyArray<KnownPath>,
  request: { readonly method: string; readonly url: string }
): HttpServerResponse.HttpServerResponse => {
  const allowed = allowedMethods(known, pathOf(request.url))
  // An allowed method can still be a 404: the route's pattern may be stricter than the template.
  return allowed.length === 0 || allowed.includes(request.method)
    ? ErrorResponses.unknownPath
    : ErrorResponses.refusal(405, `This address only answers ${allowed.join(", ")}.`, { allow: allowed.join(", ") })
}

/** The response to an error of the router; `None` for any other error. */
const responseTo = (
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
          ? ErrorResponses.refusal(413, "The body is too large. Send a smaller one.")
          : ErrorResponses.refusal(400, "The request cannot be read. Send it again.")
      )
    default:
      return Option.none()
  }
}

const answer = (paths: ReadonlyArray<KnownPath>, cause: Cause.Cause<unknown>) => {
  for (const reason of cause.reasons) {
    const error = reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : undefined
    const response = responseTo(paths, error)
    if (Option.isSome(response)) return Effect.succeed(response.value)
  }
  return ErrorResponses.ofDefect(cause)
}

/** The response in the form that the client of a path expects. */
const forClient = (path: string, response: HttpServerResponse.HttpServerResponse) =>
  isOpenAiPath(path) ? OpenAiErrors.from(response) : response

/**
 * Answers every error except an interruption with a JSON body, for clients of OpenAI's API in OpenAI's form. Its type keeps the
 * application's errors, as the router requires.
 *
 * @param paths all paths that the application serves
 */
const answerErrors =
  (paths: ReadonlyArray<KnownPath>) =>
  <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> => {
    const handled = Effect.catchCause(app, (cause) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
        Effect.map(answer(paths, cause), (response) => forClient(pathOf(url), response))
      )
    ) as typeof app
    return Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      const path = pathOf(request.url)
      return mayLookUp(paths, path) ? handled : Effect.succeed(forClient(path, notFound(paths, request)))
    })
  }

/**
 * Answers a browser that opens an unknown address with a page instead of JSON. The API, below `/v1`, answers JSON to all clients.
 *
 * @param parts what the page links to
 */
const answerBrowsers = (parts: Page.Parts, files: Assets.ReadPaths) => {
  const page = Effect.map(files, (files) =>
    HttpServerResponse.text(StartPage.renderUnknown(files, parts), {
      status: 404,
      contentType: "text/html; charset=utf-8",
      headers: { ...Page.headers, "cache-control": "no-store", vary: "Accept" }
    })
  )
  return <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R> =>
    Effect.withFiber((fiber) => {
      const { headers, method, url } = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      if ((method !== "GET" && method !== "HEAD") || url.startsWith("/v1/")) return app
      return Effect.flatMap(app, (response) => {
        if (response.status !== 404) return Effect.succeed(response)
        const json = HttpServerResponse.setHeader(response, "vary", "Accept")
        return Page.wantsHtml(headers["accept"]) ? Effect.orElseSucceed(page, () => json) : Effect.succeed(json)
      })
    })
}

/** The paths of visitors' requests, which need no more than the address. */
const publicPrefix = "/v1/public/"

/**
 * Gives requests the address of the client that a trusted proxy names. Requests of the owner API and the console also get the host
 * and the scheme that the proxy names.
 */
const readForwarded = (trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>) => {
  const clientAddress = ClientAddress.make(trustedProxies)
  const withAll = HttpMiddleware.xForwardedHeaders({ trustedProxies })
  return <E, R>(
    app: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> => {
    const forwarded = withAll(app)
    return Effect.withFiber((fiber) => {
      const request = Context.getUnsafe(fiber.context, HttpServerRequest.HttpServerRequest)
      if (!request.url.startsWith(publicPrefix)) return forwarded
      const peer = Incoming.clientAddress(request)
      const address = clientAddress(peer, request.headers["x-forwarded-for"])
      return address === peer
        ? app
        : Effect.updateContext(app, (context: Context.Context<R>) =>
            Context.add(
              context,
              HttpServerRequest.HttpServerRequest,
              request.modify({ remoteAddress: Option.some(address) })
            )
          )
    })
  }
}

export interface Options {
  /** All paths of the server. */
  readonly paths: ReadonlyArray<KnownPath>
  /** What the page at an unknown path links to. */
  readonly parts: Page.Parts
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Undefined if no request is traced. */
  readonly tracing: Trace.Tracing | undefined
}

/** The layer that is built first is the outermost middleware. */
export const layer = ({ parts, paths, tracing, trustedProxies }: Options) => {
  const global = { global: true } as const
  const answersAndCors = Layer.provideMerge(
    Layer.provideMerge(
      HttpRouter.middleware(answerErrors(paths), global),
      Layer.unwrap(Effect.map(Assets.readPaths, (files) => HttpRouter.middleware(answerBrowsers(parts, files), global)))
    ),
    HttpRouter.middleware(Origin.cors, global)
  )
  const templates = paths.map(({ path }) => path)
  // Outermost, so that the logs of the other middleware belong to the span.
  const traced =
    tracing === undefined
      ? answersAndCors
      : Layer.provideMerge(answersAndCors, HttpRouter.middleware(Trace.middleware(tracing, templates), global))
  return trustedProxies.length === 0
    ? traced
    : Layer.provideMerge(HttpRouter.middleware(readForwarded(trustedProxies), global), traced)
}
