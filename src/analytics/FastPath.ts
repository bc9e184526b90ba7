/**
 * Answers valid page views directly from Node's request: the handler is the same as behind the router, without the router, its
 * context and its middleware, which cost twice as much as the handler.
 *
 * A POST to an exact path of page views is answered here if its body has arrived (see `Incoming.awaitingSmallBody`) and is a valid page
 * view, and it is not sampled for a trace. Any other request goes to the router, so every refusal of a body has one place.
 *
 * @module
 */
import type { RequestListener, ServerResponse } from "node:http"
import { Cause, Effect, Exit, FiberSet, Option, Result, Schema } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { IpNetwork } from "effect/net"
import { Received, type RequestHead } from "../platform/contract/Received.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Incoming from "../platform/http/Incoming.ts"
import * as Origin from "../platform/http/Origin.ts"
import type * as Trace from "../platform/http/Trace.ts"
import * as ClientAddress from "../platform/limits/ClientAddress.ts"
import * as Api from "./Api.ts"
import type { Tracking } from "./Http.ts"

export interface Options {
  /** The proxies whose `X-Forwarded-For` is trusted. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
}

/** The paths of page views. */
export const paths: ReadonlyArray<string> = [Api.track.path, Api.view.path]

const decode = Schema.decodeUnknownOption(Api.PageViewPayload)

interface PageView {
  readonly payload: Api.PageViewPayload
  readonly text: string
}

/** The page view in a body; undefined for any other body. */
const pageViewIn = (bytes: Uint8Array, contentType: string | undefined): PageView | undefined => {
  const text = Incoming.isJson(contentType) ? Incoming.decodeText(bytes) : undefined
  if (text === undefined || Result.isFailure(text)) return undefined
  try {
    const payload = decode(JSON.parse(text.success))
    return Option.isSome(payload) ? { payload: payload.value, text: text.success } : undefined
  } catch {
    return undefined
  }
}

/** The headers of every response; alternates names and values. */
const commonHeaders: ReadonlyArray<string> = Object.entries(Origin.answerHeaders).flat()

/** Writes a response whose body is empty or bytes. */
const write = (response: ServerResponse, { body, headers, status }: HttpServerResponse.HttpServerResponse): void => {
  if (response.destroyed) return
  const head = commonHeaders.slice()
  for (const name in headers) if (Object.hasOwn(headers, name)) head.push(name, headers[name]!)
  response.writeHead(status, head)
  if (body._tag === "Uint8Array") response.end(body.body)
  else response.end()
}

/**
 * Makes the function that makes the listener for requests to `paths` from the router's listener. The fibers of requests belong to the
 * scope: when it closes, they are interrupted and awaited.
 */
export const make = Effect.fnUntraced(function* (
  { track }: Pick<Tracking, "track">,
  options: Options,
  tracing: Trace.Tracing | undefined
) {
  const clientAddress = ClientAddress.make(options.trustedProxies)
  const fork = yield* FiberSet.runtime(yield* FiberSet.make())()

  /**
   * Writes responses together at the end of the event loop's turn. Then the pipelined requests of the same packet are known, and
   * during a shutdown only the last one closes the connection. A write to a process that is awake is cheaper, too.
   */
  let waiting: Array<readonly [ServerResponse, HttpServerResponse.HttpServerResponse]> = []
  const flush = (): void => {
    const batch = waiting
    waiting = []
    for (const [response, answered] of batch) {
      try {
        write(response, answered)
      } catch (error) {
        fork(Effect.logError("A response could not be written", Cause.die(error)))
        response.destroy()
      }
    }
  }

  const answer = (
    { payload, text }: PageView,
    head: RequestHead,
    bytes: Uint8Array,
    response: ServerResponse
  ): void => {
    const answered = Effect.suspend(() => track(payload)).pipe(
      Effect.provideService(Received, { head, bytes, text }),
      Effect.catchCause(ErrorResponses.ofDefect)
    )
    fork(answered).addObserver((exit) => {
      // There is no response if the server is closing.
      if (Exit.isFailure(exit)) response.destroy()
      else if (waiting.push([response, exit.value]) === 1) setImmediate(flush)
    })
  }

  return (router: RequestListener): RequestListener =>
    (request, response) => {
      const headers = request.headers as Record<string, string | undefined>
      const bytes = Incoming.arrivedBody(request)
      const pageView = bytes === undefined ? undefined : pageViewIn(bytes, headers["content-type"])
      if (bytes === undefined || pageView === undefined || tracing?.decide(request).isSampled === true) {
        return router(request, response)
      }
      const peer = request.socket.remoteAddress ?? "unknown"
      const address = clientAddress(peer, headers["x-forwarded-for"])
      const headBytes = Incoming.estimateBytes(request.rawHeaders)
      answer(pageView, { url: request.url ?? "/", headers, address, peer, headBytes }, bytes, response)
    }
})
