/**
 * Answers page views, events, submissions and chats directly from Node's request, without the router and its middleware.
 *
 * Together, the router, the platform's request and response and the middleware cost more than handling a page view, and
 * cause half of the latency that the service adds to a chat's first token. So a POST to an endpoint's exact path takes this
 * path if its head and body are small, the body's length is known, the request has no `Expect` header, and it is not sampled
 * for a trace. Every other request takes the router. Both paths call the same endpoint function, and tests verify that both
 * give the same responses.
 *
 * @module
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { Cause, Context, Effect, Exit, type Fiber, FiberSet, Scope, Tracer } from "effect"
import { constVoid } from "effect/Function"
import { HttpServerResponse } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ContractAnalytics from "../../analytics/Api.ts"
import { EventHandler, TrackHandler } from "../../analytics/Http.ts"
import * as ContractWidget from "../../contract/chat/Widget.ts"
import { ByteCollector } from "../../core/data/ByteCollector.ts"
import * as ClientAddress from "../../core/limits/ClientAddress.ts"
import * as SmallBody from "../../core/limits/SmallBody.ts"
import { isCanonicalUuid } from "../../core/text/Uuid.ts"
import * as ContractForms from "../../forms/Api.ts"
import { SubmitHandler } from "../../forms/Http.ts"
import * as RequestBody from "../../platform/http/RequestBody.ts"
import * as ChatDelivery from "../chat/ChatDelivery.ts"
import type { StartedChat } from "../chat/ChatResponse.ts"
import type * as Endpoint from "../endpoints/Endpoint.ts"
import { ChatHandler } from "../endpoints/Widget.ts"
import * as Cors from "../middleware/Cors.ts"
import * as Fallbacks from "../middleware/Fallbacks.ts"
import type * as Trace from "../middleware/Trace.ts"
import * as RequestHead from "../request/RequestHead.ts"
import * as SerializedResponse from "../request/SerializedResponse.ts"

export interface Options {
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Bytes. Longer bodies, and bodies that count against `RequestBody.Arrivals`, go through the router. */
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

/** A chat's response, or an error's. */
type ChatOrError = StartedChat | HttpServerResponse.HttpServerResponse

/** Forks an effect into the fiber set of the fast path. */
type Fork = (effect: Effect.Effect<unknown>) => void

/** Closes the connection, because a valid response can no longer be written. */
const abort = (response: ServerResponse, error: unknown, fork: Fork): void => {
  response.destroy()
  fork(Effect.logError("A response could not be written", Cause.die(error)))
}

/**
 * Makes a function that collects responses and sends them in one batch at the end of the event-loop turn. A write that wakes the
 * receiving process costs several times as much as one to a process that is awake.
 */
const makeSender = (fork: Fork) => {
  let waiting: Array<readonly [ServerResponse, Endpoint.Response]> = []
  const flush = () => {
    const batch = waiting
    waiting = []
    for (const [response, answer] of batch) {
      try {
        write(response, answer)
      } catch (error) {
        abort(response, error, fork)
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
  // `take` empties the collector, because the request is retained until its response ends, which may take minutes.
  request.on("end", () => then(pieces.take()))
  // The server handles connection errors. Without a listener the error would end the process.
  request.on("error", constVoid)
}

/**
 * Frees a request's headers on `end()`. An ended response retains its request while it waits for the responses to earlier
 * pipelined requests.
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
 * Makes the function that puts the fast path in front of the router's listener. Sampled requests take the router, because the
 * middleware makes their spans. The fibers of requests belong to the scope: when it closes, they are interrupted and awaited.
 */
export const make = Effect.fnUntraced(function* (options: Options, tracing: Trace.Tracing | undefined) {
  const services = yield* Effect.context<Handlers>()
  const endpoints = new Map<string, Endpoint.Endpoint>([
    [ContractAnalytics.track.path, Context.get(services, TrackHandler)],
    [ContractAnalytics.view.path, Context.get(services, TrackHandler)],
    [ContractAnalytics.event.path, Context.get(services, EventHandler)],
    [ContractForms.submit.path, Context.get(services, SubmitHandler)]
  ])
  const handleChat = Context.get(services, ChatHandler)
  const clientAddress = ClientAddress.make(options.trustedProxies)
  const fork = yield* FiberSet.runtime(yield* FiberSet.make())()
  const send = makeSender(fork)

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
      else fork(Fallbacks.ofCause(exit.cause)).addObserver(onFallback)
    }
    // An interruption has no response: the client has disconnected, or the server is closing.
    const onFallback = (exit: Exit.Exit<Endpoint.Response>): void => {
      if (Exit.isSuccess(exit)) send(response, exit.value)
      else response.destroy()
    }
    collect(request, (body) => {
      try {
        fork(endpoint(head, body)).addObserver(onExit)
      } catch (defect) {
        onExit(Exit.die(defect))
      }
    })
  }

  const begin = (response: ServerResponse, { chat, headers }: StartedChat): void => {
    try {
      writeHead(response, 200, headers)
      ChatDelivery.write(chat, response, constVoid)
    } catch (error) {
      abort(response, error, fork)
    }
  }

  /** Separate from `answerChat`, whose closures live as long as the chat and would retain the body. */
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
      const answered = chatResponse(head, instanceId, body, scope)
      // Released when the fiber completes, because the closures live as long as the chat.
      let fiber: Fiber.Fiber<ChatOrError> | undefined = fork(
        parent === undefined ? answered : Effect.provideService(answered, Tracer.ParentSpan, parent)
      )
      // The response has ended or the visitor has disconnected, before or after the agent accepted.
      response.once("close", () => {
        fiber?.interruptUnsafe()
        fork(Effect.uninterruptible(Scope.close(scope, Exit.void)))
      })
      fiber.addObserver((exit) => {
        fiber = undefined
        if (response.destroyed) return
        if (Exit.isFailure(exit)) response.destroy()
        else if (HttpServerResponse.isHttpServerResponse(exit.value)) send(response, exit.value)
        else begin(response, exit.value)
      })
    })
  }

  const maxDirectBytes = Math.min(options.maxBody, SmallBody.maxBytes)
  const isDirect = (request: IncomingMessage): boolean =>
    request.method === "POST" && lengthOf(request) <= maxDirectBytes && request.headers.expect === undefined

  return (router: RequestListener): RequestListener =>
    (request, response) => {
      const headBytes = RequestHead.estimateBytes(request.rawHeaders)
      if (headBytes > RequestBody.uncountedHeadBytes) {
        freeHeadOnEnd(request, response)
        return router(request, response)
      }
      const decision = tracing?.decide(request)
      if (decision?.isSampled === true || !isDirect(request)) return router(request, response)
      const { url = "" } = request
      const endpoint = endpoints.get(url)
      if (endpoint !== undefined) return answer(endpoint, headOf(request, headBytes), request, response)
      const instanceId = instanceOf(url)
      if (instanceId === undefined) return router(request, response)
      answerChat(instanceId, headOf(request, headBytes), decision?.parent, request, response)
    }
})
