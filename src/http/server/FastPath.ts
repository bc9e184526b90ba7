/**
 * Answers page views, events, submissions and chats directly from Node's request, without the router and its middleware.
 *
 * Together, the router, the platform's request and response and the middleware cost more than handling a page view, and half
 * of the latency that the service adds to a chat's first token. So a POST to an endpoint's exact path with a small head and a
 * small body of known length takes this path; every other request takes the router. Both call the same endpoint function,
 * and tests verify that both give the same responses.
 *
 * @module
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http"
import { Cause, Context, Effect, Exit, Layer, Scope, Tracer } from "effect"
import { HttpServerResponse } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ContractAnalytics from "../../contract/Analytics.ts"
import * as ContractForms from "../../contract/Forms.ts"
import * as ContractWidget from "../../contract/Widget.ts"
import { ByteCollector } from "../../core/data/ByteCollector.ts"
import * as ClientAddress from "../../core/limits/ClientAddress.ts"
import { isCanonicalUuid } from "../../core/text/Uuid.ts"
import * as ChatDelivery from "../chat/ChatDelivery.ts"
import type { StartedChat } from "../chat/ChatResponse.ts"
import { EventHandler, TrackHandler } from "../endpoints/Analytics.ts"
import type * as Endpoint from "../endpoints/Endpoint.ts"
import { SubmitHandler } from "../endpoints/Forms.ts"
import * as RequestHead from "../endpoints/RequestHead.ts"
import * as SerializedResponse from "../endpoints/SerializedResponse.ts"
import { ChatHandler } from "../endpoints/Widget.ts"
import * as Cors from "../middleware/Cors.ts"
import * as Fallbacks from "../middleware/Fallbacks.ts"
import type * as Trace from "../middleware/Trace.ts"
import * as RequestBody from "./RequestBody.ts"

export interface Options {
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Bytes. Longer bodies go through the router, which refuses them, as do bodies that count against `Arrivals`. */
  readonly maxBody: number
}

/** The headers of every response; alternates names and values. */
const commonHeaders: ReadonlyArray<string> = Object.entries(Cors.answerHeaders).flat()

const writeHead = (response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void => {
  const head = commonHeaders.slice()
  for (const name in headers) {
    if (Object.hasOwn(headers, name)) head.push(name, headers[name]!)
  }
  response.writeHead(status, head)
}

const write = (response: ServerResponse, answer: Endpoint.Response): void => {
  if (response.destroyed || response.headersSent) return
  if (SerializedResponse.is(answer)) {
    response.writeHead(answer.status, commonHeaders.concat(answer.head))
    if (answer.body === undefined) response.end()
    else response.end(answer.body, "latin1")
    return
  }
  writeHead(response, answer.status, answer.headers)
  // Node writes a string body in one chunk with the head. Latin-1 preserves every byte.
  if (answer.body._tag === "Uint8Array") response.end(Buffer.from(answer.body.body).toString("latin1"), "latin1")
  else response.end()
}

/** Runs an effect that needs no services. */
type Run = (effect: Effect.Effect<void>) => void

/** Closes the connection, because no valid response can be written any more. */
const abort = (response: ServerResponse, error: unknown, run: Run): void => {
  response.destroy()
  run(Effect.logError("An answer could not be written", Cause.die(error)))
}

/**
 * Makes a function that sends responses at the end of the turn of the event loop, all in one batch. A write that wakes the
 * receiving process costs several times as much as one to a process that is awake.
 */
const makeSender = (run: Run) => {
  let waiting: Array<readonly [ServerResponse, Endpoint.Response]> = []
  const flush = () => {
    const batch = waiting
    waiting = []
    for (const [response, answer] of batch) {
      try {
        write(response, answer)
      } catch (error) {
        abort(response, error, run)
      }
    }
  }
  return (response: ServerResponse, answer: Endpoint.Response): void => {
    if (waiting.push([response, answer]) === 1) setImmediate(flush)
  }
}

const lengthOf = ({ headers }: IncomingMessage): number => Number(headers["content-length"])

/** Calls `then` with the body of a request; never if the client disconnects first. */
const collect = (request: IncomingMessage, then: (body: Uint8Array) => void): void => {
  const pieces = new ByteCollector(lengthOf(request))
  request.on("data", (chunk: Buffer) => pieces.add(chunk))
  // `take` empties the collector: the request is retained until its response ends, which may take minutes.
  request.on("end", () => then(pieces.take()))
  // The server handles connection errors. Without a listener the error would end the process.
  request.on("error", ignore)
}

const ignore = () => {}

/**
 * Frees a request's headers on `end()`: a response retains its request, and pipelined responses wait for the first.
 */
const freeHeadOnEnd = (request: IncomingMessage, response: ServerResponse): void => {
  const { end } = response
  response.end = ((...args: Parameters<typeof end>) => {
    const ended = end.apply(response, args)
    request.rawHeaders = []
    request.headers = {}
    return ended
  }) as typeof end
}

/** The instance id in a chat's path if it is a canonical UUID; `undefined` for any other path. */
const instanceOf = (url: string): string | undefined => {
  const id = url.slice(beforeInstance.length, -afterInstance.length)
  return url.startsWith(beforeInstance) && url.endsWith(afterInstance) && isCanonicalUuid(id) ? id : undefined
}

const [beforeInstance = "", afterInstance = ""] = ContractWidget.chat.path.split(":instance_id")

type Handlers = TrackHandler | EventHandler | SubmitHandler | ChatHandler

/**
 * Puts the fast path in front of the platform's listener, which must be the last one added to `server`. Sampled requests
 * take the router, because the middleware makes their spans.
 */
export const layer = (
  server: Server,
  options: Options,
  tracing: Trace.Tracing | undefined
): Layer.Layer<never, never, Handlers> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const services = yield* Effect.context<Handlers>()
      const endpoints = new Map<string, Endpoint.Endpoint>([
        [ContractAnalytics.track.path, Context.get(services, TrackHandler)],
        [ContractAnalytics.view.path, Context.get(services, TrackHandler)],
        [ContractAnalytics.event.path, Context.get(services, EventHandler)],
        [ContractForms.submit.path, Context.get(services, SubmitHandler)]
      ])
      const handleChat = Context.get(services, ChatHandler)
      const clientAddress = ClientAddress.make(options.trustedProxies)
      const run = Effect.runCallbackWith(services)
      const send = makeSender(run)

      /** Must run before the body is read: a socket has no remote address after the peer disconnects. */
      const headOf = (request: IncomingMessage, headBytes: number): RequestHead.RequestHead => {
        const headers = request.headers as Record<string, string | undefined>
        const peer = request.socket.remoteAddress ?? "unknown"
        const address = clientAddress(peer, headers["x-forwarded-for"])
        return { url: request.url ?? "/", headers, address, peer, headBytes }
      }

      const answer = (
        endpoint: Endpoint.Endpoint,
        head: RequestHead.RequestHead,
        request: IncomingMessage,
        response: ServerResponse
      ): void => {
        const onExit = (exit: Exit.Exit<Endpoint.Response>): void => {
          if (Exit.isSuccess(exit)) send(response, exit.value)
          else run(Fallbacks.ofCause(exit.cause), { onExit: onFallback })
        }
        // An interruption has no response: the client has disconnected, or the server is closing.
        const onFallback = (exit: Exit.Exit<Endpoint.Response>): void => {
          if (Exit.isSuccess(exit)) send(response, exit.value)
          else response.destroy()
        }
        collect(request, (body) => {
          try {
            run(endpoint(head, body), { onExit })
          } catch (defect) {
            onExit(Exit.die(defect))
          }
        })
      }

      const begin = (response: ServerResponse, { chat, headers }: StartedChat): void => {
        try {
          writeHead(response, 200, headers)
          ChatDelivery.write(chat, response, ignore)
        } catch (error) {
          abort(response, error, run)
        }
      }

      /** Separate from `answerChat`, so that its closures, which live as long as the chat, do not retain the body. */
      const chatResponse = (head: RequestHead.RequestHead, instanceId: string, body: Uint8Array, scope: Scope.Scope) =>
        Effect.suspend(() => handleChat(head, instanceId, body)).pipe(
          Scope.provide(scope),
          Effect.catchCause(Fallbacks.ofCause)
        )

      const answerChat = (
        instanceId: string,
        head: RequestHead.RequestHead,
        parent: Tracer.ExternalSpan | undefined,
        request: IncomingMessage,
        response: ServerResponse
      ): void => {
        collect(request, (body) => {
          if (response.destroyed) return
          const scope = Scope.makeUnsafe()
          let interrupt: (() => void) | undefined
          // The response has ended or the visitor has disconnected, before or after the agent accepted.
          response.once("close", () => {
            interrupt?.()
            run(Scope.close(scope, Exit.void))
          })
          const answered = chatResponse(head, instanceId, body, scope)
          interrupt = run(
            parent === undefined ? answered : Effect.provideService(answered, Tracer.ParentSpan, parent),
            {
              onExit: (exit) => {
                interrupt = undefined
                if (response.destroyed) return
                if (Exit.isFailure(exit)) response.destroy()
                else if (HttpServerResponse.isHttpServerResponse(exit.value)) send(response, exit.value)
                else begin(response, exit.value)
              }
            }
          )
        })
      }

      const maxDirectBytes = Math.min(options.maxBody, RequestBody.uncountedBytes)
      const isDirect = (request: IncomingMessage): boolean =>
        request.method === "POST" && lengthOf(request) <= maxDirectBytes && request.headers.expect === undefined

      const platform = server.listeners("request").at(-1) as RequestListener
      const listener: RequestListener = (request, response) => {
        const headBytes = RequestHead.estimateBytes(request.rawHeaders)
        if (headBytes > RequestBody.uncountedHeadBytes) {
          freeHeadOnEnd(request, response)
          return platform(request, response)
        }
        const decision = tracing?.decide(request)
        if (decision?.isSampled === true || !isDirect(request)) return platform(request, response)
        const { url = "" } = request
        const endpoint = endpoints.get(url)
        if (endpoint !== undefined) return answer(endpoint, headOf(request, headBytes), request, response)
        const instanceId = instanceOf(url)
        if (instanceId !== undefined) {
          answerChat(instanceId, headOf(request, headBytes), decision?.parent, request, response)
        } else platform(request, response)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => server.off("request", platform).on("request", listener)),
        () => Effect.sync(() => server.off("request", listener).on("request", platform))
      )
    })
  )
