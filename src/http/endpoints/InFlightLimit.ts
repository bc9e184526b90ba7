/**
 * Bounds what the bodies and the heads of an endpoint's requests hold together while they wait, for the store mostly: a
 * queue that is bounded by number holds gigabytes of those that are each as large as may be.
 *
 * @module
 */
import { Effect } from "effect"
import * as Capacity from "../../core/limits/Capacity.ts"
import { StorageUnavailable } from "../../services/Storage.ts"
import * as DecisionRecorder from "./DecisionRecorder.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as ErrorMapping from "./ErrorMapping.ts"

/** Bytes that are not counted: what a page sends is smaller, and a queue of such ones is bounded by its number. */
export const uncountedBytes = 4_096

const counted = (bytes: number): number => (bytes <= uncountedBytes ? 0 : bytes)

/** The most that the others hold together, in bytes. */
export const maxBytes = 64 * 2 ** 20

const full: Effect.Effect<Endpoint.Response> = Effect.map(
  ErrorMapping.ofStorage(new StorageUnavailable({ reason: "overloaded" }), {}),
  (answer) => DecisionRecorder.withDecision(answer, "unavailable")
)

/** The endpoint, which answers 503 where there is no room for a request. One is always let in. */
export const bounded = (endpoint: Endpoint.Endpoint, { capacity = maxBytes } = {}): Endpoint.Endpoint => {
  const memory = Capacity.make(capacity)
  return (asked, body) => {
    const held = counted(body.length) + counted(asked.headBytes)
    return held === 0
      ? endpoint(asked, body)
      : Effect.suspend(() => {
          const allocation = memory.allocate()
          // `resize` is inside `ensuring`: an interruption between them would leak the allocation.
          return Effect.ensuring(
            Effect.suspend(() => (allocation.resize(held) === "held" ? endpoint(asked, body) : full)),
            Effect.sync(allocation.release)
          )
        })
  }
}
