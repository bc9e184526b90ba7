/**
 * Answers page views, submissions and chats straight from Node's request, past the router and its middleware.
 *
 * The router, the request and the response of the platform, and a layer of middleware each cost a little on every request;
 * together they cost more than all that a page view is, and half of the time that we add to a chat's first word. So a
 * request that is one of the endpoints' and as nearly all of them are (a POST to the very path, with a small head and a
 * small body whose length it tells) is handed to the endpoint from here, and everything else goes the platform's way. The
 * endpoint is the same function on both ways, and the tests show that both give the same answers.
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
import { TrackHandler } from "../endpoints/Analytics.ts"
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
  /** Who may name the client for whom a request comes, with `X-Forwarded-For`. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Bytes. A longer body goes the platform's way, which refuses it; so does what is counted while it comes. */
  readonly maxBody: number
}

/** What every answer says, as name, value, name, value ... */
const everywhere: ReadonlyArray<string> = Object.entries(Cors.answerHeaders).flat()

const writeHead = (response: ServerResponse, status: number, headers: Readonly<Record<string, string>>): void => {
  const head = everywhere.slice()
  for (const name in headers) {
    if (Object.hasOwn(headers, name)) head.push(name, headers[name]!)
  }
  response.writeHead(status, head)
}

const write = (response: ServerResponse, answer: Endpoint.Response): void => {
  // Who has gone is told nothing.
  if (response.destroyed || response.headersSent) return
  if (SerializedResponse.is(answer)) {
    response.writeHead(answer.status, everywhere.concat(answer.head))
    if (answer.body === undefined) response.end()
    else response.end(answer.body, "latin1")
    return
  }
  writeHead(response, answer.status, answer.headers)
  // As text, which Node writes in one piece with the head; Latin-1 gives every byte back as it was.
  if (answer.body._tag === "Uint8Array") response.end(Buffer.from(answer.body.body).toString("latin1"), "latin1")
  else response.end()
}

/** Runs what needs nothing. */
type Run = (effect: Effect.Effect<void>) => void

/** Nothing was written that makes an answer, and nothing can be any more: the client sees its connection end. */
const giveUp = (response: ServerResponse, error: unknown, run: Run): void => {
  response.destroy()
  run(Effect.logError("An answer could not be written", Cause.die(error)))
}

/**
 * Makes the function that sends an answer, at the end of this turn of the event loop and with all others of it. A write
 * that wakes whoever waits for it costs several times what one costs to somebody who is awake, so those that leave
 * together share the price.
 */
const makeSender = (run: Run) => {
  let waiting: Array<readonly [ServerResponse, Endpoint.Response]> = []
  const flush = () => {
    const leaving = waiting
    waiting = []
    for (const [response, answer] of leaving) {
      try {
        write(response, answer)
      } catch (error) {
        giveUp(response, error, run)
      }
    }
  }
  return (response: ServerResponse, answer: Endpoint.Response): void => {
    if (waiting.push([response, answer]) === 1) setImmediate(flush)
  }
}

const lengthOf = ({ headers }: IncomingMessage): number => Number(headers["content-length"])

/** Collects the body of a request; who goes away before its end is never heard of again. */
const collect = (request: IncomingMessage, then: (body: Uint8Array) => void): void => {
  const pieces = new ByteCollector(lengthOf(request))
  request.on("data", (chunk: Buffer) => pieces.add(chunk))
  // It is taken out: a request is as old as its answer, which may be a stream of some minutes.
  request.on("end", () => then(pieces.take()))
  // A connection that breaks is the server's matter. Without a listener it would end the process.
  request.on("error", ignore)
}

const ignore = () => {}

/**
 * Has a request let go of its head when its answer is made. The answer holds on to the request, and those that were asked
 * for at once on one connection wait for the first of them.
 */
const forgetHead = (request: IncomingMessage, response: ServerResponse): void => {
  const { end } = response
  response.end = ((...last: Parameters<typeof end>) => {
    const ended = end.apply(response, last)
    request.rawHeaders = []
    request.headers = {}
    return ended
  }) as typeof end
}

/** An instance's id in the path of a chat, if it is spelled as nearly all are; undefined for any other path. */
const instanceOf = (url: string): string | undefined => {
  const id = url.slice(beforeInstance.length, -afterInstance.length)
  return url.startsWith(beforeInstance) && url.endsWith(afterInstance) && isCanonicalUuid(id) ? id : undefined
}

const [beforeInstance = "", afterInstance = ""] = ContractWidget.chat.path.split(":instance_id")

/**
 * Puts the direct way in front of the platform's listener, which must be the last that was added to `server`. Sampled
 * requests do not take it: their spans are made by the middleware.
 */
export const layer = (
  server: Server,
  options: Options,
  tracing: Trace.Tracing | undefined
): Layer.Layer<never, never, TrackHandler | SubmitHandler | ChatHandler> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const services = yield* Effect.context<TrackHandler | SubmitHandler | ChatHandler>()
      const endpoints = new Map<string, Endpoint.Endpoint>([
        [ContractAnalytics.track.path, Context.get(services, TrackHandler)],
        [ContractForms.submit.path, Context.get(services, SubmitHandler)]
      ])
      const converse = Context.get(services, ChatHandler)
      const clientAddress = ClientAddress.make(options.trustedProxies)
      const run = Effect.runCallbackWith(services)
      const send = makeSender(run)

      /** Who asks; before the body is there, since a peer that is gone has no address any more. */
      const askedBy = (request: IncomingMessage, headBytes: number): RequestHead.RequestHead => {
        const headers = request.headers as Record<string, string | undefined>
        const address = clientAddress(request.socket.remoteAddress ?? "unknown", headers["x-forwarded-for"])
        return { url: request.url ?? "/", headers, address, headBytes }
      }

      const answer = (
        endpoint: Endpoint.Endpoint,
        asked: RequestHead.RequestHead,
        request: IncomingMessage,
        response: ServerResponse
      ): void => {
        const onExit = (exit: Exit.Exit<Endpoint.Response>): void => {
          if (Exit.isSuccess(exit)) send(response, exit.value)
          else run(Fallbacks.ofCause(exit.cause), { onExit: onFallback })
        }
        // An interruption alone has no answer: nobody waits for one.
        const onFallback = (exit: Exit.Exit<Endpoint.Response>): void => {
          if (Exit.isSuccess(exit)) send(response, exit.value)
          else response.destroy()
        }
        collect(request, (body) => {
          try {
            run(endpoint(asked, body), { onExit })
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
          giveUp(response, error, run)
        }
      }

      /** Outside of `answerChat`, whose closures are as old as the chat: they hold on to no body. */
      const conversed = (asked: RequestHead.RequestHead, instanceId: string, body: Uint8Array, scope: Scope.Scope) =>
        Effect.suspend(() => converse(asked, instanceId, body)).pipe(
          Scope.provide(scope),
          Effect.catchCause(Fallbacks.ofCause)
        )

      const answerChat = (
        instanceId: string,
        asked: RequestHead.RequestHead,
        parent: Tracer.ExternalSpan | undefined,
        request: IncomingMessage,
        response: ServerResponse
      ): void => {
        collect(request, (body) => {
          if (response.destroyed) return
          const scope = Scope.makeUnsafe()
          let leave: (() => void) | undefined
          // The answer is over, or the visitor has gone: before the agent accepted, or after.
          response.once("close", () => {
            leave?.()
            run(Scope.close(scope, Exit.void))
          })
          const answered = conversed(asked, instanceId, body, scope)
          leave = run(parent === undefined ? answered : Effect.provideService(answered, Tracer.ParentSpan, parent), {
            onExit: (exit) => {
              leave = undefined
              if (response.destroyed) return
              if (Exit.isFailure(exit)) response.destroy()
              else if (HttpServerResponse.isHttpServerResponse(exit.value)) send(response, exit.value)
              else begin(response, exit.value)
            }
          })
        })
      }

      const longest = Math.min(options.maxBody, RequestBody.uncountedBytes)
      const isDirect = (request: IncomingMessage): boolean =>
        request.method === "POST" && lengthOf(request) <= longest && request.headers.expect === undefined

      const platform = server.listeners("request").at(-1) as RequestListener
      const listener: RequestListener = (request, response) => {
        const headBytes = RequestHead.estimateBytes(request.rawHeaders)
        if (headBytes > RequestBody.uncountedHeadBytes) {
          forgetHead(request, response)
          return platform(request, response)
        }
        const decision = tracing?.decide(request)
        if (decision?.isSampled === true || !isDirect(request)) return platform(request, response)
        const { url = "" } = request
        const endpoint = endpoints.get(url)
        if (endpoint !== undefined) return answer(endpoint, askedBy(request, headBytes), request, response)
        const instanceId = instanceOf(url)
        if (instanceId !== undefined) {
          answerChat(instanceId, askedBy(request, headBytes), decision?.parent, request, response)
        } else platform(request, response)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => server.off("request", platform).on("request", listener)),
        () => Effect.sync(() => server.off("request", listener).on("request", platform))
      )
    })
  )
