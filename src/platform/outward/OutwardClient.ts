/**
 * The HTTP client that sends events to the URLs of webhooks. It reaches only the public internet and the hosts that the
 * operator allows (`platform/outward/OutwardConnector`). Redirects are not followed.
 *
 * @module
 */
import type { Socket } from "node:net"
import { Clock, Context, Effect, Layer } from "effect"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import * as AddressGuard from "./AddressGuard.ts"
import type * as OutwardConnector from "./OutwardConnector.ts"
import * as OutwardNames from "./OutwardNames.ts"
import type { Outcome } from "./Schedule.ts"
import * as Schedule from "./Schedule.ts"

/** The maximum number of bytes of a response's body that are kept. */
const maxAnswer = 2_048

/** The time limit of a request, in milliseconds. */
export const timeout = 15_000

export interface Options extends Pick<OutwardConnector.Options, "allowed" | "lookup"> {
  /** The time limit of a request in milliseconds, by default `timeout`. */
  readonly timeout?: number
  /** Finds the addresses of hosts, by default with the name servers of the system. */
  readonly names?: Layer.Layer<OutwardNames.OutwardNames>
  /** While more connections than this are open, a connection closes after its response. Default: 256. */
  readonly maxIdle?: number
}

/** The outcome of a request. */
export interface Response extends Outcome {
  readonly millis: number
  /** The first 2 kB of the body; empty if the body could not be read; null without a response. */
  readonly answer: string | null
  /** Why there was no response; null if there was one. */
  readonly error: string | null
}

export class OutwardClient extends Context.Service<
  OutwardClient,
  {
    /**
     * Posts a body on behalf of a website. Never fails: a refused or broken connection is a response with an error. Interruption
     * cancels the look-up of the host and the request.
     */
    readonly post: (
      websiteConfigId: string,
      url: string,
      headers: Readonly<Record<string, string>>,
      body: string
    ) => Effect.Effect<Response>
  }
>()("hydracore/platform/outward/OutwardClient") {}

const describe = (cause: unknown): string => {
  if (cause instanceof OutwardNames.Refused) return AddressGuard.withSetting(cause.message)
  if (cause instanceof AggregateError) return describe(cause.errors[0])
  return SystemErrorCode.of(cause) ?? "the connection failed"
}

/** Reads the beginning of a body. The connection is closed if the body is longer. */
const beginningOf = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= maxAnswer) break
  }
  return Buffer.concat(chunks).subarray(0, maxAnswer).toString("utf8").replaceAll("\0", "\ufffd")
}

/** Loaded by the layer: most commands send nothing, and start faster without Undici. */
const loadUndici = Effect.promise(() =>
  Promise.all([
    import("@effect/platform-node/NodeHttpClient"),
    import("@effect/platform-node/Undici"),
    import("./OutwardConnector.ts")
  ])
)

export const layer = (options: Options): Layer.Layer<OutwardClient> =>
  Layer.effect(
    OutwardClient,
    Effect.gen(function* () {
      const [NodeHttpClient, Undici, OutwardConnector] = yield* loadUndici
      const maxIdle = options.maxIdle ?? 256
      const names = yield* OutwardNames.OutwardNames
      let open = 0
      const count = (socket: Socket) => {
        open++
        socket.once("close", () => {
          open--
        })
      }
      const agent = yield* NodeHttpClient.makeDispatcherOptions({
        connect: OutwardConnector.make({ ...options, names, onOpen: count }),
        keepAliveTimeout: 10_000,
        pipelining: 1
      })
      return OutwardClient.of({
        post: Effect.fnUntraced(function* (websiteConfigId, url, headers, body) {
          const startedAt = yield* Clock.currentTimeMillis
          // The status counts even if the body hangs or is cut.
          let status: number | null = null
          let retryAfter: string | undefined
          const request = Effect.tryPromise({
            try: async (signal) => {
              const response = await Undici.request(url, {
                dispatcher: agent,
                method: "POST",
                headers,
                body,
                signal,
                reset: open > maxIdle
              })
              status = response.statusCode
              const header = response.headers["retry-after"]
              retryAfter = typeof header === "string" ? header : undefined
              return await beginningOf(response.body)
            },
            catch: describe
          })
          const { allowed } = options
          const result = yield* OutwardConnector.requireAddress({ allowed, names }, websiteConfigId, new URL(url)).pipe(
            Effect.mapError(describe),
            Effect.andThen(request),
            Effect.timeoutOrElse({
              duration: options.timeout ?? timeout,
              orElse: () => Effect.fail(`no response within ${(options.timeout ?? timeout) / 1000} seconds`)
            }),
            Effect.match({
              onFailure: (error) => ({ answer: status === null ? null : "", error: status === null ? error : null }),
              onSuccess: (answer) => ({ answer, error: null })
            })
          )
          const now = yield* Clock.currentTimeMillis
          return {
            ...result,
            status,
            retryAfter: Schedule.parseRetryAfter(retryAfter, now),
            millis: Math.max(0, now - startedAt)
          }
        })
      })
    })
  ).pipe(Layer.provide(options.names ?? OutwardNames.layer))
