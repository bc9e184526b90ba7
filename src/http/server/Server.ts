/**
 * Assembles the server from the endpoints and the middleware.
 *
 * @module
 */
import { createServer, type Server as HttpServer } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Duration, Effect, Layer, Option } from "effect"
import { HttpIncomingMessage, HttpMiddleware, HttpRouter } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { IpNetwork } from "effect/net"
import * as ContractAnalytics from "../../contract/Analytics.ts"
import { Api } from "../../contract/Api.ts"
import { ConversationsGroup } from "../../contract/Conversations.ts"
import * as ContractForms from "../../contract/Forms.ts"
import * as ContractWidget from "../../contract/Widget.ts"
import * as ClientAddress from "../../core/limits/ClientAddress.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Assets from "../assets/Assets.ts"
import * as Docs from "../assets/Docs.ts"
import * as Drain from "../chat/Drain.ts"
import * as RunningAnswers from "../chat/RunningAnswers.ts"
import * as Analytics from "../endpoints/Analytics.ts"
import * as Conversations from "../endpoints/Conversations.ts"
import * as Forms from "../endpoints/Forms.ts"
import * as Health from "../endpoints/Health.ts"
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
  readonly rateLimitAnalytics: Option.Option<RateLimitPolicy>
  readonly rateLimitForms: Option.Option<RateLimitPolicy>
  readonly rateLimitChat: Option.Option<RateLimitPolicy>
  /** For what a widget does besides chatting: resuming, stopping, reading and rating. */
  readonly rateLimitChatRead: Option.Option<RateLimitPolicy>
  /** The maximum number of open chat streams in this process; `None` for no limit. */
  readonly chatStreams: Widget.Options["streams"]
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
    Widget.endpoint({
      rateLimit: options.rateLimitChat,
      streams: options.chatStreams,
      patience: unreadTimeout,
      maxDuration: options.chatMaxDuration,
      maxBytes: options.chatMaxBytes
    })
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
      })
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

/**
 * Disables upgrades. Without a listener, Node handles an upgrade request like any other, with the time-outs above, which do
 * not apply to upgraded connections.
 */
const noUpgrades = (server: HttpServer) => Layer.effectDiscard(Effect.sync(() => server.removeAllListeners("upgrade")))

/** The route labels of metrics and traces. */
const templates = [
  ContractAnalytics.track.path,
  ContractAnalytics.view.path,
  ContractAnalytics.event.path,
  ContractForms.submit.path,
  ContractWidget.chat.path,
  ...Object.values(ConversationsGroup.endpoints).map(({ path }) => path),
  ...[...Assets.paths, ...Docs.paths, ...Health.paths].map(({ path }) => path)
]

/** Whether any rate limit is set. Without one, a few addresses may send all requests: behind a proxy, or in a load test. */
const isLimited = ({ rateLimitAnalytics, rateLimitChat, rateLimitForms }: Options): boolean =>
  [rateLimitAnalytics, rateLimitChat, rateLimitForms].some(Option.isSome)

/** Creates a Node server that does not listen yet. */
export type Create = RequestMetrics.Create

/** The maximum `linger` of `Connections`. */
const maxLinger = Duration.seconds(2)

/** The listening server. `more` adds routes; `create` replaces Node's `createServer`. */
export const layer = (
  options: Options,
  listen: { readonly host: string; readonly port: number },
  more: Layer.Layer<never, never, HttpRouter.HttpRouter> = Layer.empty,
  create: Create = createServer
) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { maxHeadersCount, unreadTimeout, ...nodeOptions } = { ...defaultLimits, ...options.limits }
      const context = yield* Effect.context<never>()
      const { traceRatio, trustedProxies } = options
      const tracing = traceRatio === undefined ? undefined : yield* Trace.make({ ratio: traceRatio, trustedProxies })
      const measured =
        options.measured === true
          ? RequestMetrics.measured({ context, templates, chat: ContractWidget.chat.path }, create)
          : create
      const server = measured({ ...nodeOptions, requireHostHeader: false })
      server.maxHeadersCount = maxHeadersCount
      const isProxy = ClientAddress.isProxy(options.trustedProxies)
      FairReading.watch(server, { ownerOf: FairReading.byAddress(isLimited(options) ? isProxy : () => true) })
      const end = Duration.sum(options.shutdownGrace, Duration.seconds(1))
      const limits = {
        ...options.connections,
        trustedProxies: options.trustedProxies,
        idle: {
          keepAlive: nodeOptions.keepAliveTimeout + nodeOptions.keepAliveTimeoutBuffer,
          head: nodeOptions.headersTimeout
        }
      }
      const linger = Duration.min(maxLinger, Duration.times(options.shutdownGrace, 0.5))
      return Drain.layerOnShutdown.pipe(
        Layer.provideMerge(Connections.layer(server, { linger, end, unreadTimeout, limits }, context)),
        Layer.provideMerge(ProtocolErrors.layer(server, nodeOptions.maxHeaderSize, context)),
        Layer.provideMerge(Layer.merge(noUpgrades(server), FastPath.layer(server, options, tracing))),
        Layer.provideMerge(
          HttpRouter.serve(Layer.merge(routes(options, unreadTimeout, tracing), more), {
            disableListenLog: true,
            disableLogger: true,
            routerConfig
          })
        ),
        Layer.provide(endpoints(options, unreadTimeout)),
        Layer.provide(
          RunningAnswers.layer({
            resume: options.chatResume,
            maxDuration: options.chatMaxDuration,
            maxBytes: options.chatMaxBytes
          })
        ),
        Layer.provideMerge(NodeHttpServer.layer(() => server, listen)),
        Layer.provide(Drain.layer({ grace: options.shutdownGrace })),
        Layer.provide([
          Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(options.maxBody)),
          Layer.succeed(RequestBody.ByAddress, isLimited(options)),
          Trace.withoutPlatformSpans
        ])
      )
    })
  )
