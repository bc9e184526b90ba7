/**
 * Reads the body of a request, and gives its text to the endpoint. The platform's own decoding would accept invalid UTF-8, answer
 * unknown content types by itself, and hold any number of waiting requests in memory.
 *
 * @module
 */
import { Context, Effect, Layer, Result } from "effect"
import { Headers, HttpServerRequest, type HttpServerResponse } from "effect/http"
import { Body, Received, type RequestHead } from "../contract/Received.ts"
import * as Capacity from "../limits/Capacity.ts"
import type * as Json from "../text/Json.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as Incoming from "./Incoming.ts"
import {
  type BodyFragmented,
  type BodyOverCapacity,
  type BodyTooLarge,
  type BodyUnreadable,
  smallBodyBytes
} from "./Incoming.ts"

type Response = HttpServerResponse.HttpServerResponse
type Request = HttpServerRequest.HttpServerRequest

const json = "application/json"

/** The response to an error of `Incoming.readBytes`. */
const refusalOf = (error: BodyTooLarge | BodyFragmented | BodyOverCapacity | BodyUnreadable) => {
  switch (error._tag) {
    case "BodyTooLarge":
      return ErrorResponses.tooLarge(error.maxBytes)
    case "BodyFragmented":
      return ErrorResponses.fragmentedBody
    case "BodyOverCapacity":
      return error.by === "address" ? ErrorResponses.addressOverloaded : ErrorResponses.overloaded
    case "BodyUnreadable":
      return ErrorResponses.refusal(400, "The body did not arrive whole. Send the request again.")
  }
}

/**
 * Makes the JSON text of `body`, which is read when the endpoint decodes it, the body of a request. Returns the same request, unless
 * its content type is one that endpoints do not declare.
 */
export const withJson = (request: Request, body: { readonly text: string }): Request => {
  const contentType = request.headers["content-type"]
  const isDeclared = contentType === undefined || contentType === json
  // Not an object that inherits from the request: every later access to a property of it would be slow.
  return Object.defineProperty(
    isDeclared ? request : request.modify({ headers: Headers.set(request.headers, "content-type", json) }),
    "text",
    { value: Effect.sync(() => body.text), configurable: true }
  )
}

/** A body that has arrived. */
class HeldBody {
  readonly head: RequestHead
  bytes: Uint8Array
  text: string

  constructor(head: RequestHead, bytes: Uint8Array, text: string) {
    this.head = head
    this.bytes = bytes
    this.text = text
  }
}

const noBytes = new Uint8Array()

/**
 * Lets go of a body that nothing reads any more: the fibers of a stream keep the context of their request, and with it the body,
 * for as long as the stream lasts.
 */
export const release = (received: Received["Service"]): void => {
  if (!(received instanceof HeldBody)) return
  received.bytes = noBytes
  received.text = ""
}

/** The body that no endpoint accepts. */
const notJson = '""'

/** The JSON of a body: its text, or an empty text if its content type is not JSON. Fails if it is not UTF-8 or too deep. */
export const textOf = (bytes: Uint8Array, contentType: string | undefined): Result.Result<string, Json.JsonFault> =>
  bytes.length === 0 || Incoming.isJson(contentType) ? Incoming.decodeText(bytes) : Result.succeed(notJson)

/**
 * Provides the request, and a service that holds its body. Adding two services to a context is cheap; `Effect.provideContext` would
 * copy the whole context for every request.
 */
export const withRequest = <E, R, Self, Shape>(
  httpEffect: Effect.Effect<Response, E, R>,
  key: Context.Key<Self, Shape>,
  service: Shape,
  request: Request
): Effect.Effect<Response, E, Exclude<R, Self>> =>
  Effect.updateContext(httpEffect, (context: Context.Context<Exclude<R, Self>>) =>
    Context.add(Context.add(context as Context.Context<R>, key, service), HttpServerRequest.HttpServerRequest, request)
  )

export interface Options {
  readonly read?: typeof Incoming.readBytes
  /** The response if the waiting requests use all their memory. */
  readonly overloaded?: Effect.Effect<Response>
  /** Gives the form of the endpoint to the refusal of a body that has arrived. */
  readonly toRefusal?: (response: Response, bytes: Uint8Array) => Response
}

/**
 * Makes the function that reads the body of a request before its endpoint decodes it. The requests of each such function share the
 * memory for waiting requests.
 */
export const make = () => {
  const limitInFlight = makeInFlightLimit()
  return ({
    overloaded = Effect.succeed(ErrorResponses.overloaded),
    read = Incoming.readBytes,
    toRefusal = (response) => response
  }: Options = {}) =>
    <E, R>(
      httpEffect: Effect.Effect<Response, E, R>
    ): Effect.Effect<Response, E, Exclude<R, Received> | HttpServerRequest.HttpServerRequest> =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
        const head = Incoming.fromRequest(request)
        const answer = (bytes: Uint8Array) =>
          limitInFlight(
            head,
            bytes,
            () => {
              const text = textOf(bytes, head.headers["content-type"])
              if (Result.isFailure(text)) {
                return Effect.succeed(toRefusal(ErrorResponses.invalid([Incoming.jsonInvalid(text.failure)]), bytes))
              }
              const held = new HeldBody(head, bytes, text.success)
              return withRequest(httpEffect, Received, held, withJson(request, held))
            },
            () => Effect.map(overloaded, (response) => toRefusal(response, bytes))
          )
        return Effect.matchEffect(read(request, head), {
          onSuccess: answer,
          onFailure: (error) => Effect.succeed(refusalOf(error))
        })
      }) as Effect.Effect<Response, E, Exclude<R, Received> | HttpServerRequest.HttpServerRequest>
}

/** For endpoints whose responses need nothing else. */
export const layer = Layer.sync(Body, () => Body.of(make()()))

/** Small bodies, and heads of that size, are not counted: the store's queue bounds the number of requests. */
const counted = (bytes: number): number => (bytes <= smallBodyBytes ? 0 : bytes)

/** The maximum sum of the counted bodies and heads, in bytes. */
const maxInFlightBytes = 64 * 2 ** 20

/**
 * Makes the function that handles a request, or calls `overloaded` if the sum would exceed the capacity. While no other request
 * is counted, any request is accepted.
 */
export const makeInFlightLimit = ({ capacity = maxInFlightBytes } = {}) => {
  const memory = Capacity.make(capacity)
  return <A, E, R>(
    head: RequestHead,
    body: Uint8Array,
    handle: () => Effect.Effect<A, E, R>,
    overloaded: () => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E, R> => {
    const held = counted(body.length) + counted(head.headBytes)
    return held === 0
      ? handle()
      : Effect.suspend(() => {
          const allocation = memory.allocate()
          // `resize` is inside `ensuring`: an interruption between them would leak the allocation.
          return Effect.ensuring(
            Effect.suspend(() => (allocation.resize(held) === "held" ? handle() : overloaded())),
            Effect.sync(allocation.release)
          )
        })
  }
}
