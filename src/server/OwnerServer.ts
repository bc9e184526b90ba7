/**
 * The server at `OWNER_PORT`. It serves the owner API, the documentation, the page at `/` and, if `CONSOLE` is on, the console.
 *
 * @module
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, Option, Schema, Scope } from "effect"
import { HttpRouter, type HttpServer } from "effect/http"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Assets from "../pages/Assets.ts"
import * as Console from "../pages/Console.ts"
import * as Docs from "../pages/Docs.ts"
import * as StartPage from "../pages/StartPage.ts"
import * as NodeServer from "../platform/http/NodeServer.ts"
import * as Trace from "../platform/http/Trace.ts"
import type { RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import * as Middleware from "./Middleware.ts"
import * as OwnerRoutes from "./OwnerRoutes.ts"

/** Where the server at `OWNER_PORT` listens; `None` if there is no such server. */
export class OwnerServer extends Context.Service<
  OwnerServer,
  Option.Option<HttpServer.HttpServer["Service"]["address"]>
>()("hydracore/server/OwnerServer") {}

/** The server cannot listen on its address. */
export class OwnerServeError extends Schema.TaggedError<OwnerServeError>()("OwnerServeError", {
  cause: Schema.Defect()
}) {}

export interface Options extends NodeServer.Options, Omit<OwnerRoutes.Options, "rateLimit"> {
  readonly rateLimitOwner: Option.Option<RateLimitPolicy>
  /** Whether this server has the console. */
  readonly console: boolean
  /** The share of requests that start a trace, from 0 to 1; if missing, no request is traced. */
  readonly traceRatio?: number | undefined
}

const pathsOf = ({ console }: Options): ReadonlyArray<Middleware.KnownPath> => [
  ...Middleware.endpointsOf(OwnerApi),
  ...(console ? Console.paths : []),
  ...Docs.paths,
  ...Assets.pagePaths
]

const routesOf = (options: Options): NodeServer.Routes => ({
  templates: pathsOf(options).map(({ path }) => path),
  chats: [],
  // Requests are limited by key instead, because a few programs at one address may send all of them.
  isLimitedByAddress: false
})

/** The listening server. */
export const layer = (options: Options) =>
  Layer.effect(
    OwnerServer,
    Effect.gen(function* () {
      const { rateLimitOwner, traceRatio, trustedProxies } = options
      const tracing = traceRatio === undefined ? undefined : yield* Trace.make({ ratio: traceRatio, trustedProxies })
      const paths = pathsOf(options)
      const parts = { console: options.console, demo: false, health: false }
      const { serve } = yield* NodeServer.make(options, routesOf(options))
      const router = yield* HttpRouter.toHttpEffect(
        Layer.mergeAll(
          OwnerRoutes.layer({ ...options, rateLimit: rateLimitOwner }),
          options.console ? Console.layer : Layer.empty,
          Docs.layer(parts),
          StartPage.layer(parts),
          Assets.pageLayer
        ).pipe(Layer.provideMerge(Middleware.layer({ parts, paths, trustedProxies, tracing })))
      )
      const requests = yield* Scope.fork(yield* Effect.scope, "parallel")
      const { address } = yield* serve(yield* NodeHttpServer.makeHandler(router, { scope: requests })).pipe(
        Effect.mapError(({ cause }) => new OwnerServeError({ cause }))
      )
      return Option.some(address)
    })
  ).pipe(Layer.provide(NodeServer.services(options, routesOf(options))))

/** No server. */
export const none: Layer.Layer<OwnerServer> = Layer.succeed(OwnerServer, Option.none())
