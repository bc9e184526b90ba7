/**
 * Waits for replies of Redis, with a timeout.
 *
 * @module
 */
import { Effect } from "effect"
import { RedisUnavailable, toUnavailable } from "./RedisUnavailable.ts"

/** The number of timers that one wait is split into. */
const slices = 4

/**
 * Waits for a network reply with Node's timers, since the network does not follow the TestClock. A delay of this process must
 * not count as a timeout of Redis. Therefore the wait is a chain of shorter timers, of which a blocked event loop uses up only
 * one. After the last timer, the sockets are polled once more before the call fails.
 */
export const awaitReply = <A>(millis: number, call: () => Promise<A>): Effect.Effect<A, RedisUnavailable> =>
  Effect.callback((resume) => {
    let timer: NodeJS.Timeout | undefined
    let last: NodeJS.Immediate | undefined
    const wait = (left: number) => {
      timer = setTimeout(() => {
        if (left > 1) return wait(left - 1)
        last = setImmediate(() => resume(Effect.fail(new RedisUnavailable({ reason: "no answer in time" }))))
      }, millis / slices)
    }
    const stop = () => {
      clearTimeout(timer)
      clearImmediate(last)
    }
    const settle = (result: Effect.Effect<A, RedisUnavailable>) => {
      stop()
      resume(result)
    }
    const failed = (error: unknown) => settle(Effect.fail(toUnavailable(error)))
    wait(slices)
    try {
      call().then((answer) => settle(Effect.succeed(answer)), failed)
    } catch (error) {
      failed(error)
    }
    return Effect.sync(stop)
  })
