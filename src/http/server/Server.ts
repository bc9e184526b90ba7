/**
 * Assembles the server from the endpoints and the middleware.
 *
 * @module
 */
import { createServer, type RequestListener, type ServerOptions } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Duration, Effect, Layer, Option, Scope } from "effect"
import { HttpIncomingMessage, HttpMiddleware, HttpRouter, HttpServer } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { IpNetwork } from "effect/net"
import { AgUiGroup } from "../../contract/AgUi.ts"
import * as ContractAnalytics from "../../contract/Analytics.ts"
import { Api } from "../../contract/Api.ts"
import { ConversationsGroup } from "../../contract/Conversations.ts"
import * as ContractForms from "../../contract/Forms.ts"
import { OpenAiGroup } from "../../contract/OpenAi.ts"
import * as ContractWidget from "../../contract/Widget.ts"
import * as ClientAddress from "../../core/limits/ClientAddress.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Assets from "../assets/Assets.ts"
import * as Docs from "../assets/Docs.ts"
import * as Drain from "../chat/Drain.ts"
import * as RunningAnswers from "../chat/RunningAnswers.ts"
import * as StreamSlots from "../chat/StreamSlots.ts"
import * as AgUi from "../endpoints/AgUi.ts"
import * as Analytics from "../endpoints/Analytics.ts"
import * as ChatEndpoint from "../endpoints/ChatEndpoint.ts"
import * as Conversations from "../endpoints/Conversations.ts"
import * as Forms from "../endpoints/Forms.ts"
import * as Health from "../endpoints/Health.ts"
import * as OpenAi from "../endpoints/OpenAi.ts"
import * as Widget from "../endpoints/Widget.ts"
import * as Cors from "../middleware/Cors.ts"
import * as Fallbacks from "../middleware/Fallbacks.ts"
import * as Trace from "../middleware/Trace.ts"
import * as Validation from "../middleware/Validation.ts"
import * as WidgetTokenSecurity from "../middleware/WidgetTokenSecurity.ts"
import * as Connections from "./Connections.ts"
import * as FairReading from "./FairReading.ts"
import * as FastPath from "./FastPath.ts"
import * as ProtocolErrors from "./ProtocolErrors.ts"
import * as RequestBody from "./RequestBody.ts"
import * as RequestMetrics from "./RequestMetrics.ts"

export interface Options {
  /** Port 0 picks a free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** Additional routes. */
  readonly routes?: Layer.Layer<never, never, HttpRouter.HttpRouter> | undefined
  /** Replaces Node's `createServer`. */
  readonly create?: Create | undefined
  readonly rateLimitAnalytics: Option.Option<RateLimitPolicy>
  readonly rateLimitForms: Option.Option<RateLimitPolicy>
  readonly rateLimitChat: Option.Option<RateLimitPolicy>
  /** For what a widget does besides chatting: resuming, stopping, reading and rating. */
  readonly rateLimitChatRead: Option.Option<RateLimitPolicy>
  /** The maximum number of open chat streams in this process; `None` for no limit. */
  readonly chatStreams: StreamSlots.Options
  /** The maximum number of connections in this process: in total, and per address except trusted proxies (`None`: no limit). */
  readonly connections: { readonly total: number; readonly perAddress: Option.Option<number> }
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** The header in which a trusted proxy names the client's country. */
  readonly geoHeader: Option.Option<string>
  /** Bytes. */
  readonly maxBody: number
  readonly chatMaxDuration: Duration.Duration
  /** How long an answer in a stored conversation continues without a reader; `None` ends it with its last reader. */
  readonly chatResume: Option.Option<Duration.Duration>
  /** Bytes. */
  readonly chatMaxBytes: number
  /** How long open requests and streams may continue during shutdown. */
  readonly shutdownGrace: Duration.Duration
  /** Whether requests are measured. */
  readonly measured?: boolean | undefined
  /** The share of requests that start a trace, from 0 to 1; if missing, no request is traced. */
  readonly traceRatio?: number | undefined
  /** Overrides `defaultLimits`, for tests. */
  readonly limits?: Partial<Limits> | undefined
}

/** The layer that is built first is the outermost middleware. */
const middleware = (options: Options, tracing: Trace.Tracing | undefined) => {
  const global = { global: true } as const
  const outer = Layer.provideMerge(
    HttpRouter.middleware(Fallbacks.middleware([...Assets.paths, ...Docs.paths, ...Health.paths]), global),
    HttpRouter.middleware(Cors.middleware, global)
  )
  // Outermost, so that the span sees responses and interruptions but no failures.
  const traced =
    tracing === undefined
      ? outer
      : Layer.provideMerge(outer, HttpRouter.middleware(Trace.middleware(tracing, templates), global))
  return options.trustedProxies.length === 0
    ? traced
    : Layer.provideMerge(
        HttpRouter.middleware(HttpMiddleware.xForwardedHeaders({ trustedProxies: options.trustedProxies }), global),
        traced
      )
}

/** The endpoints that both the fast path and the router serve. */
const endpoints = (options: Options, unreadTimeout: number) =>
  Layer.mergeAll(
    Analytics.endpoint({
      rateLimit: options.rateLimitAnalytics,
      country: { header: options.geoHeader, trustedProxies: options.trustedProxies }
    }),
    Forms.endpoint({ rateLimit: options.rateLimitForms }),
    Layer.provideMerge(
      Widget.endpoint,
      ChatEndpoint.layer({
        rateLimit: options.rateLimitChat,
        patience: unreadTimeout,
        maxDuration: options.chatMaxDuration,
        maxBytes: options.chatMaxBytes
      })
    )
  )

/** All routes, without a server; requires `endpoints`. */
const routes = (options: Options, unreadTimeout: number, tracing: Trace.Tracing | undefined) =>
  Layer.mergeAll(HttpApiBuilder.layer(Api), Assets.layer, Docs.layer, Health.layer).pipe(
    Layer.provide([
      Analytics.group,
      Forms.group,
      Widget.group,
      Conversations.layer({
        rateLimit: options.rateLimitChatRead,
        patience: unreadTimeout,
        maxDuration: options.chatMaxDuration,
        maxBytes: options.chatMaxBytes
      }),
      OpenAi.layer({ rateLimit: options.rateLimitChatRead }),
      AgUi.layer
    ]),
    Layer.provide([Validation.layer, WidgetTokenSecurity.layer]),
    Layer.provideMerge(middleware(options, tracing))
  )

/** Paths match exactly as published, and a parameter of any length reaches validation. */
const routerConfig = {
  caseSensitive: true,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  maxParamLength: 8192
} as const

/** Time-outs in milliseconds and sizes in bytes. */
const defaultLimits = {
  /** To receive the complete head of a request. */
  headersTimeout: 10_000,
  /** To receive a complete request with its body. */
  requestTimeout: 30_000,
  /** Between two requests on a connection: longer than the minute for which proxies commonly keep one. */
  keepAliveTimeout: 65_000,
  /** Added to the announced time-out, so that a request sent at its very end is answered. */
  keepAliveTimeoutBuffer: 1_000,
  /** How often Node checks `headersTimeout` and `requestTimeout`. */
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  /** No limit: Node drops excess headers silently, which may include the last proxy's `X-Forwarded-For`. */
  maxHeadersCount: 0,
  /** For a complete response of which the client reads nothing. */
  unreadTimeout: 60_000
}

export type Limits = typeof defaultLimits

/** The routes whose responses are streams, also where a client wants a whole answer. */
const chats = [ContractWidget.chat, OpenAiGroup.endpoints.completions, AgUiGroup.endpoints.run].map(({ path }) => path)

/** The route labels of metrics and traces. */
const templates = [
  ContractAnalytics.track.path,
  ContractAnalytics.view.path,
  ContractAnalytics.event.path,
  ContractForms.submit.path,
  ContractWidget.chat.path,
  ...[ConversationsGroup, OpenAiGroup, AgUiGroup].flatMap(({ endpoints }) =>
    Object.values(endpoints).map(({ path }) => path)
  ),
  ...[...Assets.paths, ...Docs.paths, ...Health.paths].map(({ path }) => path)
]

/** Whether any rate limit is set. Without one, a few addresses may send all requests: behind a proxy, or in a load test. */
const isLimited = ({ rateLimitAnalytics, rateLimitChat, rateLimitForms }: Options): boolean =>
  [rateLimitAnalytics, rateLimitChat, rateLimitForms].some(Option.isSome)

/** Creates a Node server that does not listen yet. */
export type Create = RequestMetrics.Create

/** The maximum `linger` of `Connections`. */
const maxLinger = Duration.seconds(2)

/** Answers `Expect: 100-continue` before it calls the listener, unless the announced body is refused anyway. */
const withContinue =
  (listener: RequestListener, maxBody: number): RequestListener =>
  (request, response) => {
    if (!(Number(request.headers["content-length"]) > maxBody)) response.writeContinue()
    listener(request, response)
  }

/** Creates Node's server, measured if that is asked for. */
const createMeasured = (options: Options, nodeOptions: ServerOptions) =>
  Effect.map(Effect.context<never>(), (context) => {
    const create = options.create ?? createServer
    return options.measured === true
      ? RequestMetrics.measured({ context, templates, chats }, create)(nodeOptions)
      : create(nodeOptions)
  })

/** The listening server. */
export const layer = (options: Options) =>
  Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const { maxHeadersCount, unreadTimeout, ...nodeOptions } = { ...defaultLimits, ...options.limits }
      const context = yield* Effect.context<never>()
      const { maxBody, shutdownGrace, traceRatio, trustedProxies } = options
      const tracing = traceRatio === undefined ? undefined : yield* Trace.make({ ratio: traceRatio, trustedProxies })
      const server = yield* createMeasured(options, { ...nodeOptions, requireHostHeader: false })
      server.maxHeadersCount = maxHeadersCount
      const isProxy = ClientAddress.isProxy(trustedProxies)
      FairReading.watch(server, { ownerOf: FairReading.byAddress(isLimited(options) ? isProxy : () => true) })
      ProtocolErrors.answer(server, nodeOptions.maxHeaderSize, context)
      const closeConnections = Connections.track(
        server,
        {
          linger: Duration.min(maxLinger, Duration.times(shutdownGrace, 0.5)),
          end: Duration.sum(shutdownGrace, Duration.seconds(1)),
          unreadTimeout,
          limits: {
            ...options.connections,
            trustedProxies,
            idle: {
              keepAlive: nodeOptions.keepAliveTimeout + nodeOptions.keepAliveTimeoutBuffer,
              head: nodeOptions.headersTimeout
            }
          }
        },
        context
      )

      // Shutdown runs the finalizers of the following steps from the last to the first: the grace period starts, the
      // connections end, the server is closed, requests without a connection are interrupted, and the endpoints end.
      const drain = yield* Drain.make({ grace: shutdownGrace })
      const inFront = yield* Layer.build(
        endpoints(options, unreadTimeout).pipe(
          Layer.provideMerge(
            Layer.merge(
              StreamSlots.layer(options.chatStreams),
              RunningAnswers.layer({
                resume: options.chatResume,
                maxDuration: options.chatMaxDuration,
                maxBytes: options.chatMaxBytes
              })
            )
          ),
          Layer.provideMerge(Layer.succeed(Drain.Drain, drain))
        )
      )
      const { fastPath, router } = yield* Effect.gen(function* () {
        return {
          fastPath: yield* FastPath.make(options, tracing),
          router: yield* HttpRouter.toHttpEffect(
            Layer.merge(routes(options, unreadTimeout, tracing), options.routes ?? Layer.empty)
          )
        }
      }).pipe(Effect.provideContext(inFront))
      const requests = yield* Scope.fork(yield* Effect.scope, "parallel")
      const listener = ProtocolErrors.requireHost(
        fastPath(yield* NodeHttpServer.makeHandler(router, { scope: requests }))
      )
      server.on("request", listener).on("checkContinue", withContinue(listener, maxBody))
      const http = yield* NodeHttpServer.make(() => server, options.listen)
      yield* closeConnections
      yield* Effect.addFinalizer(() => drain.start)
      return http
    })
  ).pipe(
    Layer.provide([
      NodeHttpServer.layerHttpServices,
      Layer.succeed(HttpRouter.RouterConfig, routerConfig),
      Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(options.maxBody)),
      Layer.succeed(RequestBody.ByAddress, isLimited(options)),
      Trace.withoutPlatformSpans
    ])
  )
