/**
 * Creates Node's HTTP server with limits on the connections and memory of clients, JSON answers to protocol errors, and a
 * graceful shutdown.
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES
} from "node:http"
import type { ListenOptions, Socket } from "node:net"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { Context } from "effect"
import { ByteSize, Duration, Effect, Latch, Layer, type Option, type Scope } from "effect"
import { constVoid } from "effect/Function"
import type { HttpServerResponse } from "effect/http"
import { HttpIncomingMessage, HttpRouter } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ClientAddress from "../limits/ClientAddress.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import * as Connections from "./Connections.ts"
import * as Decision from "./Decision.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as Incoming from "./Incoming.ts"
import * as Origin from "./Origin.ts"
import * as RequestMetrics from "./RequestMetrics.ts"
import { other } from "./Routes.ts"
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

type Answer = HttpServerResponse.HttpServerResponse

const decision: Decision.Reason = "invalid"

const closing = { ...Origin.answerHeaders, [Decision.header]: decision, connection: "close" }

const timedOut = ErrorResponses.refusal(408, "The request did not arrive in time. Send it again.", closing)

const notHttp = ErrorResponses.refusal(400, "The request is not valid HTTP/1.1. Correct it and send it again.", closing)

const noHost = ErrorResponses.refusal(400, "The request has no Host header, which HTTP/1.1 requires. Add one.", closing)

const unsupportedExpectation = ErrorResponses.refusal(
  417,
  "The only supported expectation is 100-continue. Send the request without its Expect header.",
  { ...Origin.answerHeaders, [Decision.header]: decision }
)

const methods = "GET, HEAD, POST, OPTIONS"

const noProxy = ErrorResponses.refusal(405, `This is not a proxy. It supports the methods ${methods}.`, {
  ...closing,
  allow: methods
})

/** Browsers and proxies send a tenth. Parsing many short headers takes longer than the limit of their bytes suggests. */
const maxHeaders = 200

const tooManyHeaders = ErrorResponses.refusal(
  431,
  `The request has more than ${maxHeaders} headers. Send fewer.`,
  closing
)

/** The responses by the error code that Node reports for a parse error or a timeout. Other codes get `notHttp`. */
const byCode = (maxHeaderSize: number): ReadonlyMap<string, Answer> =>
  new Map([
    [
      "HPE_HEADER_OVERFLOW",
      ErrorResponses.refusal(
        431,
        `The head of the request is larger than ${maxHeaderSize} bytes. Send fewer or shorter headers.`,
        closing
      )
    ],
    [
      "HPE_CHUNK_EXTENSIONS_OVERFLOW",
      ErrorResponses.refusal(
        413,
        "The chunk extensions of the body are too large. Send the body without them.",
        closing
      )
    ],
    [
      "HPE_INVALID_EOF_STATE",
      ErrorResponses.refusal(400, "The request ended before it was complete. Send all of it.", closing)
    ],
    ["HPE_PAUSED_H2_UPGRADE", ErrorResponses.refusal(400, "HTTP/2 is not supported. Use HTTP/1.1.", closing)],
    ["ERR_HTTP_REQUEST_TIMEOUT", timedOut]
  ])

const bodyOf = ({ body }: Answer): Buffer => (body._tag === "Uint8Array" ? Buffer.from(body.body) : Buffer.alloc(0))

/** Serializes a response for a socket without a `ServerResponse`. */
const serialize = (answer: Answer): string => {
  const body = bodyOf(answer).toString("utf8")
  const fields = { ...answer.headers, "content-length": Buffer.byteLength(body) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status]}\r\n${lines.join("")}\r\n${body}`
}

/**
 * Whether a response can be written to a connection: not after another response has begun, nor while an earlier complete
 * request is unanswered, since the client would take the response for the one to that request.
 */
const canAnswer = (socket: Socket): boolean => {
  const response = Connections.currentResponse(socket)
  return socket.writable && (!response || !(response.headersSent || response.req.complete))
}

/** Sends a response through Node's `ServerResponse`, which `RequestMetrics` counts. */
const respond = (response: ServerResponse, answer: Answer): void => {
  response.writeHead(answer.status, { ...answer.headers })
  response.end(bodyOf(answer))
}

const isWithoutHost = ({ headers, httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean =>
  headers.host === undefined && httpVersionMajor === 1 && httpVersionMinor === 1

/** Wraps a listener: HTTP/1.1 requests without a `Host` and requests with too many headers are refused. */
const requireValidHead =
  (listener: RequestListener): RequestListener =>
  (request, response) => {
    if (request.rawHeaders.length > 2 * maxHeaders) {
      Connections.exclude(request.socket)
      respond(response, tooManyHeaders)
    } else if (isWithoutHost(request)) respond(response, noHost)
    else listener(request, response)
  }

/**
 * Answers, with a JSON body, the requests that Node itself would answer without a body or not at all: invalid HTTP, requests that are
 * too large or too slow, and `CONNECT`. Counts them as requests and decisions.
 */
const answerProtocolErrors = (server: Server, maxHeaderSize: number, context: Context.Context<never>): void => {
  const answers = byCode(maxHeaderSize)
  const decisions = Metrics.decisions({ decision })
  const countDecision = () => decisions.updateUnsafe(1, context)
  const requests = new Map(
    [...answers.values(), notHttp, noProxy].map(({ status }) => [
      status,
      Metrics.requests({ route: other, method: other, status: String(status) })
    ])
  )
  const countRequest = (status: number) => requests.get(status)?.updateUnsafe(1, context)

  const onClientError = (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (canAnswer(socket)) {
      const answer = answers.get(error.code ?? "") ?? notHttp
      socket.write(serialize(answer))
      const response = Connections.currentResponse(socket)
      if (response) RequestMetrics.recordSocketStatus(response, answer.status)
      // A connection without any bytes, such as a browser's preconnect, made no request.
      else if (socket.bytesRead !== 0) countRequest(answer.status)
      if (socket.bytesRead !== 0) countDecision()
    }
    socket.destroy(error)
  }

  const onConnect = (_: IncomingMessage, socket: Socket): void => {
    // Node has removed its `error` listener, and an error without a listener ends the process.
    socket.on("error", constVoid)
    if (!canAnswer(socket)) return void socket.destroy()
    countRequest(noProxy.status)
    countDecision()
    socket.end(serialize(noProxy), () => socket.destroy())
  }

  server.on("clientError", onClientError).on("connect", onConnect)
}

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
  /** Listens until the scope closes, then ends the connections. Requests to a path of `byPath` go to its listener. */
  readonly serve: (
    listener: RequestListener,
    byPath?: ReadonlyMap<string | undefined, RequestListener>
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
    answerProtocolErrors(server, nodeOptions.maxHeaderSize, context)
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
      serve: Effect.fnUntraced(function* (listener, byPath = new Map()) {
        const guarded = ignoringDestroyed(
          requireValidHead(
            freeingHeads((request, response) => (byPath.get(request.url) ?? listener)(request, response))
          )
        )
        server
          .on("request", guarded)
          .on("checkContinue", withContinue(guarded, Math.max(maxBody, Incoming.conversationBytes)))
          .on("checkExpectation", (_, response) => respond(response, unsupportedExpectation))
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
