/**
 * Creates Node's HTTP server with limits on the connections and memory of clients, JSON answers to protocol errors, and a
 * graceful shutdown.
 *
 * @module
 */
import { createServer, type RequestListener, type Server } from "node:http"
import type { ListenOptions } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { ByteSize, Duration, Effect, Latch, Layer, type Option, type Scope } from "effect"
import { HttpIncomingMessage, HttpRouter } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ClientAddress from "../limits/ClientAddress.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import * as Connections from "./Connections.ts"
import * as Incoming from "./Incoming.ts"
import * as ProtocolErrors from "./ProtocolErrors.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import * as Trace from "./Trace.ts"

/** Timeouts in milliseconds and sizes in bytes. */
export const defaultLimits = {
  /** For receiving the complete head of a request. */
  headersTimeout: 10_000,
  /** For receiving a complete request with its body. */
  requestTimeout: 30_000,
  /** Between two requests on a connection: longer than the minute for which proxies commonly keep an idle connection. */
  keepAliveTimeout: 65_000,
  /** Added to the announced timeout, so that a request that is sent just before the timeout is answered. */
  keepAliveTimeoutBuffer: 1_000,
  /** How often Node checks `headersTimeout` and `requestTimeout`. */
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  /** No limit: Node drops excess headers silently, which may include the last proxy's `X-Forwarded-For`. */
  maxHeadersCount: 0,
  /** How long a client may read nothing of a response that waits for it. */
  unreadTimeout: 60_000
}

export type Limits = typeof defaultLimits

/** An address, of which port 0 picks a free one; or the file descriptor of a socket that has an address. */
export type Listen = ListenOptions & { readonly fd?: number }

export interface Options {
  readonly listen: Listen
  /** The maximum number of connections in this process: in total, and per address except trusted proxies (`None`: no limit). */
  readonly connections: { readonly total: number; readonly perAddress: Option.Option<number> }
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Bytes. */
  readonly maxBody: number
  /** How long open requests and streams may continue during shutdown. */
  readonly shutdownGrace: Duration.Duration
  /** Whether requests are measured. */
  readonly measured?: boolean | undefined
  /** Overrides `defaultLimits`, for tests. */
  readonly limits?: Partial<Limits> | undefined
}

/** Facts about a server's routes. */
export interface Routes {
  /** The route labels of metrics. */
  readonly templates: ReadonlyArray<string>
  /** The templates whose responses are streams. */
  readonly chats: ReadonlyArray<string>
  /** Whether requests are limited by address. If not, a few addresses may send all of them: behind a proxy, for example. */
  readonly isLimitedByAddress: boolean
}

/** Paths match exactly as published, and a parameter of any length reaches validation. */
const routerConfig = {
  caseSensitive: true,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  maxParamLength: 8192
} as const

/** The services that a router on this server needs. */
export const services = ({ maxBody }: Options, { isLimitedByAddress }: Routes) =>
  Layer.mergeAll(
    NodeHttpServer.layerHttpServices,
    Layer.succeed(HttpRouter.RouterConfig, routerConfig),
    Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBody)),
    Layer.succeed(Incoming.ByAddress, isLimitedByAddress),
    Trace.withoutPlatformSpans
  )

/** The maximum `linger` of `Connections`. */
const maxLinger = Duration.seconds(2)

/** Answers `Expect: 100-continue` before it calls the listener, unless every endpoint refuses the announced body. */
const withContinue =
  (listener: RequestListener, maxBody: number): RequestListener =>
  (request, response) => {
    if (!(Number(request.headers["content-length"]) > maxBody)) response.writeContinue()
    listener(request, response)
  }

/**
 * Frees the headers of a request with a large head when its response ends. An ended response retains its request while it waits for
 * the responses to earlier pipelined requests.
 */
export const freeingHeads =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (Incoming.estimateBytes(request.rawHeaders) > Incoming.uncountedHeadBytes) {
      const { end } = response
      response.end = ((...args: Parameters<typeof end>) => {
        const ended = end.apply(response, args)
        request.rawHeaders = []
        request.headers = {}
        return ended
      }) as typeof end
    }
    listener(request, response)
  }

/** Ignores the requests that Node starts on a destroyed socket, because it had read them before. */
const ignoringDestroyed =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (!request.socket.destroyed) listener(request, response)
  }

/** A server that does not listen yet. */
export interface NodeServer {
  readonly server: Server
  /** Listens until the scope closes, then ends the connections. */
  readonly serve: (
    listener: RequestListener
  ) => Effect.Effect<
    Effect.Success<ReturnType<typeof NodeHttpServer.make>>,
    Effect.Error<ReturnType<typeof NodeHttpServer.make>>,
    Effect.Services<ReturnType<typeof NodeHttpServer.make>>
  >
}

export const make = (options: Options, { chats, templates }: Routes): Effect.Effect<NodeServer> =>
  Effect.map(Effect.context<never>(), (context) => {
    const { maxHeadersCount, unreadTimeout, ...nodeOptions } = { ...defaultLimits, ...options.limits }
    const { maxBody, shutdownGrace, trustedProxies } = options
    const createMeasured =
      options.measured === true ? RequestMetrics.measured({ context, templates, chats }, createServer) : createServer
    const server = createMeasured({ ...nodeOptions, requireHostHeader: false })
    server.maxHeadersCount = maxHeadersCount
    const isProxy = ClientAddress.makeIsProxy(trustedProxies)
    ProtocolErrors.install(server, nodeOptions.maxHeaderSize, context)
    const closeConnections = Connections.track(
      server,
      {
        linger: Duration.min(maxLinger, Duration.times(shutdownGrace, 0.5)),
        end: Duration.sum(shutdownGrace, Duration.seconds(1)),
        unreadTimeout,
        ...options.connections,
        isProxy
      },
      context
    )
    return {
      server,
      serve: Effect.fnUntraced(function* (listener) {
        const guarded = ignoringDestroyed(ProtocolErrors.requireValidHead(freeingHeads(listener)))
        server
          .on("request", guarded)
          .on("checkContinue", withContinue(guarded, Math.max(maxBody, Incoming.conversationBytes)))
          .on("checkExpectation", ProtocolErrors.refuseExpectation)
        const http = yield* NodeHttpServer.make(() => server, options.listen)
        yield* closeConnections
        yield* watchUntrustedProxy(server, isProxy)
        return http
      })
    }
  })

/** Exported for tests. */
export const untrustedProxyWarning =
  "A request has X-Forwarded-For, and its sender is not in TRUSTED_PROXIES. If the sender is your reverse proxy, all visitors behind it share one rate limit: add its network to TRUSTED_PROXIES. This is logged once."

/**
 * Detects a reverse proxy that `TRUSTED_PROXIES` does not name. Its `X-Forwarded-For` is ignored, so all visitors behind it
 * share one rate limit, and those with the same user agent share one visitor hash. Counts these requests, and logs the first
 * without its address, which may be a visitor's.
 */
export const watchUntrustedProxy = Effect.fnUntraced(function* (
  server: Server,
  isTrusted: (peer: string) => boolean
): Effect.fn.Return<void, never, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const metric = Metrics.untrustedForwarded({})
  metric.updateUnsafe(0, context)
  const isFound = Latch.makeUnsafe(false)
  yield* Effect.forkScoped(Effect.andThen(isFound.await, Effect.logWarning(untrustedProxyWarning)))
  server.on("request", ({ headers, socket }) => {
    if (headers["x-forwarded-for"] === undefined) return
    const { remoteAddress } = socket
    // The address of a sender that reset its connection early is unknown.
    if (remoteAddress === undefined || isTrusted(remoteAddress)) return
    metric.updateUnsafe(1, context)
    isFound.openUnsafe()
  })
})
