/**
 * Measures requests, connections and chat streams by Node's own events, so that every response counts, whichever code writes
 * it. `NodeServer` counts responses for which Node has made no request.
 *
 * @module
 */
import { type IncomingMessage, type Server, type ServerOptions, ServerResponse } from "node:http"
import { performance } from "node:perf_hooks"
import type { Context } from "effect"
import * as Metrics from "../telemetry/Metrics.ts"
import { observeUnsafe } from "../telemetry/Metrics.ts"
import * as Decision from "./Decision.ts"
import * as Routes from "./Routes.ts"

/** Creates a server that does not listen yet. */
export type Create = (options: ServerOptions) => Server

/** The value of a header in the last argument of `writeHead`, which is a list or an object. */
const headerAmong = (headers: unknown, name: string): unknown => {
  if (Array.isArray(headers)) {
    const at = headers.indexOf(name)
    return at < 0 ? undefined : headers[at + 1]
  }
  return typeof headers === "object" && headers !== null ? Reflect.get(headers, name) : undefined
}

/** A `ServerResponse` that reports its decision header to `onDecision`. */
const responseClass = (onDecision: (decision: string) => void) =>
  class extends ServerResponse<IncomingMessage> {
    override writeHead(...head: ReadonlyArray<unknown>): this {
      const decision = headerAmong(head.at(-1), Decision.header)
      if (typeof decision === "string") onDecision(decision)
      return super.writeHead(...(head as Parameters<ServerResponse["writeHead"]>))
    }
  }

export interface Options {
  /** Provides the metrics registry. */
  readonly context: Context.Context<never>
  /** The path templates that are route labels, with `:name` for a parameter. */
  readonly templates: ReadonlyArray<string>
  /** The templates whose responses are streams. */
  readonly chats: ReadonlyArray<string>
}

/** Every status is less than this, because statuses have three digits. */
const statusLimit = 1000

/** Makes the function that counts a response. A series is created at its first use. */
const counters = (context: Context.Context<never>) => {
  const series = new Map<string, Array<ReturnType<typeof Metrics.requests> | undefined>>()
  return (route: string, method: string, status: number) => {
    const key = method + route
    let byStatus = series.get(key)
    if (byStatus === undefined) {
      byStatus = new Array<undefined>(statusLimit)
      series.set(key, byStatus)
    }
    let count = byStatus[status]
    if (count === undefined) {
      count = Metrics.requests({ route, method, status: status === 0 ? "aborted" : String(status) })
      byStatus[status] = count
    }
    count.updateUnsafe(1, context)
  }
}

/** Makes the function that records a request's duration, in milliseconds. */
const durations = (context: Context.Context<never>) => {
  const series = new Map<string, ReturnType<typeof Metrics.requestDuration>>()
  return (route: string, millis: number): void => {
    let duration = series.get(route)
    if (duration === undefined) {
      duration = Metrics.requestDuration({ route })
      series.set(route, duration)
    }
    duration.updateUnsafe(Metrics.seconds(millis), context)
  }
}

/** The statuses of responses that were written directly to the socket. */
const socketStatuses = new WeakMap<ServerResponse, number>()

/** Records the status that was written directly to a request's socket, so that the request is counted with it. */
export const recordSocketStatus = (response: ServerResponse, status: number): void =>
  void socketStatuses.set(response, status)

/** Measures a server that does not listen yet. */
const watch = (server: Server, { chats, context, templates }: Options): void => {
  const routeOf = Routes.make(templates)
  const count = counters(context)
  const recordDuration = durations(context)
  let open = 0
  let connections = 0
  const streams = new Set<ServerResponse>()
  const streaming = () => {
    let begun = 0
    for (const { headersSent, statusCode } of streams) if (headersSent && statusCode === 200) begun++
    return begun
  }
  const observed = [
    observeUnsafe(Metrics.requestsOpen({}), () => ({ value: open }), context),
    observeUnsafe(Metrics.connections({}), () => ({ value: connections }), context),
    observeUnsafe(Metrics.chatStreamsOpen({}), () => ({ value: streaming() }), context)
  ]
  server.once("close", () => {
    for (const remove of observed) remove()
  })

  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    const startedAt = performance.now()
    const route = routeOf(request.url ?? "")
    const method = Routes.methodOf(request.method)
    open++
    const isChat = chats.includes(route)
    if (isChat) streams.add(response)
    response.once("close", () => {
      open--
      if (isChat) streams.delete(response)
      count(route, method, response.headersSent ? response.statusCode : (socketStatuses.get(response) ?? 0))
      recordDuration(route, performance.now() - startedAt)
    })
  }
  server.on("request", begin)
  server.on("checkContinue", begin)
  server.on("checkExpectation", begin)
  server.on("connection", (socket) => {
    connections++
    socket.once("close", () => {
      connections--
    })
  })
}

/** Wraps `create` so that its servers are measured. */
export const measured =
  (options: Options, create: Create): Create =>
  (serverOptions) => {
    const { context } = options
    const metrics = new Map<string, ReturnType<typeof Metrics.decisions>>(
      Decision.decisions.map((decision) => [decision, Metrics.decisions({ decision })])
    )
    for (const metric of metrics.values()) metric.updateUnsafe(0, context)
    const Response = responseClass((decision) => metrics.get(decision)?.updateUnsafe(1, context))
    const server = create({ ...serverOptions, ServerResponse: Response as typeof ServerResponse })
    watch(server, options)
    return server
  }
