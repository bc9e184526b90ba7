/**
 * Puts the endpoints, the middleware around them and the server together.
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
  /** How many chat streams may be open at once in this process; none for any number. */
  readonly chatStreams: Widget.Options["streams"]
  /** The most connections in this process: in all, and of one address, trusted proxies excepted; none for any number. */
  readonly connections: { readonly total: number; readonly perAddress: Option.Option<number> }
  /** Who may name the client for whom a request comes, with `X-Forwarded-For`. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Bytes. */
  readonly maxBody: number
  readonly chatMaxDuration: Duration.Duration
  /** How long an answer in a conversation with memory goes on without a reader; none ends it with its last reader. */
  readonly chatResume: Option.Option<Duration.Duration>
  /** Bytes. */
  readonly chatMaxBytes: number
  /** How long open requests and streams may go on when the process is told to end. */
  readonly shutdownGrace: Duration.Duration
  /** Whether requests are measured. */
  readonly measured?: boolean | undefined
  /** The share of requests that start a trace, from 0 to 1; without it no request is traced. */
  readonly traceRatio?: number | undefined
  /** Others than `defaultLimits`, for tests that cannot wait as long. */
  readonly limits?: Partial<Limits> | undefined
}

/** The first is the outermost. */
const middleware = (options: Options, tracing: Trace.Tracing | undefined) => {
  const global = { global: true } as const
  const outer = Layer.provideMerge(
    HttpRouter.middleware(Fallbacks.middleware([...Assets.paths, ...Docs.paths, ...Health.paths]), global),
    HttpRouter.middleware(Cors.middleware, global)
  )
  // Around all else, so that no failure but an interruption reaches the span.
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

/** The endpoints that are answered directly as well as through the router. */
const endpoints = (options: Options, unreadTimeout: number) =>
  Layer.mergeAll(
    Analytics.endpoint({ rateLimit: options.rateLimitAnalytics }),
    Forms.endpoint({ rateLimit: options.rateLimitForms }),
    Widget.endpoint({
      rateLimit: options.rateLimitChat,
      streams: options.chatStreams,
      patience: unreadTimeout,
      maxDuration: options.chatMaxDuration,
      maxBytes: options.chatMaxBytes
    })
  )

/** Everything that is served, over `endpoints` and without a server. */
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

/** Paths are matched as they are published: case and slashes count, and a parameter of any length is validated. */
const routerConfig = {
  caseSensitive: true,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  maxParamLength: 8192
} as const

/** How long a client may take for what, in milliseconds; and how much it may send ahead of a body, in bytes. */
const defaultLimits = {
  /** The whole head of a request. */
  headersTimeout: 10_000,
  /** A whole request, its body too. */
  requestTimeout: 30_000,
  /** Between two requests on one connection: longer than the minute that proxies commonly keep one. */
  keepAliveTimeout: 65_000,
  /** How much longer than it says, so that a request that is sent at the end of that time is answered. */
  keepAliveTimeoutBuffer: 1_000,
  /** How often the two above are checked. */
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  /** By number there is no bound: what is beyond Node's own it may leave out unseen, the last proxy's line among it. */
  maxHeadersCount: 0,
  /** What was answered and is not read, without a byte that moves. */
  unreadTimeout: 60_000
}

export type Limits = typeof defaultLimits

/**
 * Nothing is upgraded here. Without a listener, Node reads a request that asks for it like any other, under the time-outs
 * above, which do not hold for one that is upgraded.
 */
const noUpgrades = (server: HttpServer) => Layer.effectDiscard(Effect.sync(() => server.removeAllListeners("upgrade")))

/** The routes that are told apart where requests are measured. */
const templates = [
  ContractAnalytics.track.path,
  ContractForms.submit.path,
  ContractWidget.chat.path,
  ...Object.values(ConversationsGroup.endpoints).map(({ path }) => path),
  ...[...Assets.paths, ...Docs.paths, ...Health.paths].map(({ path }) => path)
]

/** Whether any address is limited: whoever limits none has all requests come from a few, or tries what we can bear. */
const isLimited = ({ rateLimitAnalytics, rateLimitChat, rateLimitForms }: Options): boolean =>
  [rateLimitAnalytics, rateLimitChat, rateLimitForms].some(Option.isSome)

/** Makes a server of Node's that does not listen yet. */
export type Create = RequestMetrics.Create

/** How long a connection that was kept alive waits for a request that is on its way, when the process is told to end. */
const maxLinger = Duration.seconds(2)

/** The server, listening; it may serve `more` than the service's own routes, and be made by `create`. */
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
