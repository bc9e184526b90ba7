/**
 * Answers page views and submissions straight from Node's request, past the router and its middleware.
 *
 * The router, the request and the response of the platform, and a layer of middleware each cost a little on every request;
 * together they cost more than all that a page view is. So a request that is one of the two endpoints' and as nearly all
 * of them are (a POST to the very path, with a body whose length its head tells) is handed to the endpoint from here, and
 * everything else goes the platform's way. The endpoint is the same function on both ways, and the tests show that both
 * give the same answers.
 *
 * @module
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http"
import { Cause, Context, Effect, Exit, Layer, Tracer } from "effect"
import type { HttpServerResponse } from "effect/http"
import type { IpNetwork } from "effect/net"
import * as ContractAnalytics from "../contract/Analytics.ts"
import * as ContractForms from "../contract/Forms.ts"
import * as ClientAddress from "../core/ClientAddress.ts"
import { Track } from "./Analytics.ts"
import * as Cors from "./Cors.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Fallbacks from "./Fallbacks.ts"
import { Submit } from "./Forms.ts"

export interface Options {
  /** Who may name the client for whom a request comes, with `X-Forwarded-For`. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  /** Bytes. A longer body goes the platform's way, which refuses it. */
  readonly maxBody: number
}

/** What every answer says, as name, value, name, value ... */
const everywhere: ReadonlyArray<string> = Object.entries(Cors.answerHeaders).flat()

const write = (response: ServerResponse, answer: HttpServerResponse.HttpServerResponse): void => {
  // Who has gone is told nothing.
  if (response.destroyed || response.headersSent) return
  const head = everywhere.slice()
  for (const name in answer.headers) {
    if (Object.hasOwn(answer.headers, name)) head.push(name, answer.headers[name]!)
  }
  response.writeHead(answer.status, head)
  // As text, which Node writes in one piece with the head; Latin-1 gives every byte back as it was.
  if (answer.body._tag === "Uint8Array") response.end(Buffer.from(answer.body.body).toString("latin1"), "latin1")
  else response.end()
}

/**
 * Makes the function that sends an answer, at the end of this turn of the event loop and with all others of it. A write
 * that wakes whoever waits for it costs several times what one costs to somebody who is awake, so those that leave
 * together share the price.
 */
const makeSender = (run: (effect: Effect.Effect<void>) => void) => {
  let waiting: Array<readonly [ServerResponse, HttpServerResponse.HttpServerResponse]> = []
  const flush = () => {
    const leaving = waiting
    waiting = []
    for (const [response, answer] of leaving) {
      try {
        write(response, answer)
      } catch (error) {
        // Nothing was written that makes an answer, and nothing can be any more: the client sees its connection end.
        response.destroy()
        run(Effect.logError("An answer could not be written", Cause.die(error)))
      }
    }
  }
  return (response: ServerResponse, answer: HttpServerResponse.HttpServerResponse): void => {
    if (waiting.push([response, answer]) === 1) setImmediate(flush)
  }
}

/** Collects the body of a request; who goes away before its end is never heard of again. */
const collect = (request: IncomingMessage, then: (body: Uint8Array) => void): void => {
  const chunks: Array<Buffer> = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => then(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
  // A connection that breaks is the server's matter. Without a listener it would end the process.
  request.on("error", ignore)
}

const ignore = () => {}

/**
 * Puts the direct way in front of the platform's listener, which must be the last that was added to `server`. Where spans
 * are collected there is no direct way: they are made by the middleware.
 */
export const layer = (server: Server, options: Options): Layer.Layer<never, never, Track | Submit> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const services = yield* Effect.context<Track | Submit>()
      if (Context.get(services, Tracer.Tracer) !== Tracer.nativeTracer) return
      const endpoints = new Map<string | undefined, Endpoint>([
        [ContractAnalytics.track.path, Context.get(services, Track)],
        [ContractForms.submit.path, Context.get(services, Submit)]
      ])
      const clientAddress = ClientAddress.make(options.trustedProxies)
      const run = Effect.runCallbackWith(services)
      const send = makeSender(run)

      const answer = (endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): void => {
        // Before the body is there: a peer that is gone has no address any more.
        const peer = request.socket.remoteAddress ?? "unknown"
        collect(request, (body) => {
          const headers = request.headers as Record<string, string | undefined>
          const asked = { url: request.url ?? "/", headers, address: clientAddress(peer, headers["x-forwarded-for"]) }
          const answered = Effect.catchCause(
            Effect.suspend(() => endpoint(asked, body)),
            Fallbacks.ofCause
          )
          run(answered, {
            // An interruption alone has no answer: nobody waits for one.
            onExit: (exit) => (Exit.isSuccess(exit) ? send(response, exit.value) : response.destroy())
          })
        })
      }

      const isDirect = ({ headers, method }: IncomingMessage): boolean =>
        method === "POST" && Number(headers["content-length"]) <= options.maxBody && headers.expect === undefined

      const platform = server.listeners("request").at(-1) as RequestListener
      const listener: RequestListener = (request, response) => {
        const endpoint = endpoints.get(request.url)
        if (endpoint !== undefined && isDirect(request)) answer(endpoint, request, response)
        else platform(request, response)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => server.off("request", platform).on("request", listener)),
        () => Effect.sync(() => server.off("request", listener).on("request", platform))
      )
    })
  )
