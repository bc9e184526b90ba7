/**
 * Limits the memory of an endpoint's waiting requests, most of which wait for the store. The store's queue bounds only their
 * number; large requests could fill gigabytes.
 *
 * @module
 */
import { Effect } from "effect"
import * as Capacity from "../../core/limits/Capacity.ts"
import * as SmallBody from "../../core/limits/SmallBody.ts"
import type * as Endpoint from "../../http/endpoints/Endpoint.ts"
import * as DecisionRecorder from "../../http/request/DecisionRecorder.ts"
import * as ErrorMapping from "../../http/request/ErrorMapping.ts"
import type { RequestHead } from "../../http/request/RequestHead.ts"
import { StorageUnavailable } from "../../services/Storage.ts"

/** Small bodies, and heads of that size, are not counted: the store's queue bounds the number of requests. */
const counted = (bytes: number): number => (bytes <= SmallBody.maxBytes ? 0 : bytes)

/** The maximum sum of the counted bodies and heads, in bytes. */
export const maxBytes = 64 * 2 ** 20

const full: Effect.Effect<Endpoint.Response> = Effect.map(
  ErrorMapping.ofStorage(new StorageUnavailable({ reason: "overloaded" }), {}),
  (answer) => DecisionRecorder.withDecision(answer, "unavailable")
)

/**
 * Makes the function that handles a request, or calls `overloaded` if the sum would exceed the capacity. While no other request
 * is counted, any request is accepted.
 */
export const make = ({ capacity = maxBytes } = {}) => {
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

/** Wraps an endpoint: answers 503 if the sum would exceed the capacity. */
export const bounded = (endpoint: Endpoint.Endpoint, options?: { readonly capacity?: number }): Endpoint.Endpoint => {
  const limitInFlight = make(options)
  return (head, body) =>
    limitInFlight(
      head,
      body,
      () => endpoint(head, body),
      () => full
    )
}
