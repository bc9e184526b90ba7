/**
 * Limits the memory of waiting requests, most of which wait for the store. The store's queue bounds only their
 * number; large requests could fill gigabytes.
 *
 * @module
 */
import { Effect } from "effect"
import type { RequestHead } from "../contract/Received.ts"
import * as Capacity from "../limits/Capacity.ts"
import * as SmallBody from "../limits/SmallBody.ts"

/** Small bodies, and heads of that size, are not counted: the store's queue bounds the number of requests. */
const counted = (bytes: number): number => (bytes <= SmallBody.maxBytes ? 0 : bytes)

/** The maximum sum of the counted bodies and heads, in bytes. */
const maxBytes = 64 * 2 ** 20

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
