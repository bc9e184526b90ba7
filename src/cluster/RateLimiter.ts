/**
 * Counts requests per client for all workers together: the primary holds the counts, and a worker asks it. One question is
 * under way at a time; what comes meanwhile is the next one, so that a busy worker pays for few messages, and one that is
 * not waits for nobody.
 *
 * While the primary does not answer, this process counts by itself with the fallback, and says so once. Only the requests
 * that came before that was clear wait, for `timeoutMillis` or little more than twice that; those after them do not ask,
 * until the primary is heard again. Each side counts only what it accepted, so that around such a change a client may get
 * up to two limits in a window, and while it lasts one limit per process.
 *
 * Waits are by the process's timers, since the channel does not follow a test's clock.
 *
 * @module
 */
import { Effect, Exit, Layer } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "../core/limits/RateLimit.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { type Ask, decode, encode, type Link, type ToWorker } from "./Protocol.ts"

export interface Options {
  readonly link: Link
  /** Who counts while the primary does not answer. */
  readonly fallback: RateLimiter["Service"]
  /** How long a request waits for the primary, in milliseconds: 1000 if not given, since it has little to do. */
  readonly timeoutMillis?: number
  /** How long the primary is left alone before it is asked again, in milliseconds: 500 if not given. */
  readonly retryMillis?: number
}

interface Waiting {
  readonly policy: RateLimitPolicy
  readonly key: string
  /** Undefined once whoever asked has gone. */
  resume: ((decision: Effect.Effect<RateLimitDecision>) => void) | undefined
}

interface Question {
  readonly batch: number
  readonly waiting: ReadonlyArray<Waiting>
  readonly timer: NodeJS.Timeout
}

/** The requests by their policies; within one, in their order. */
const group = (waiting: ReadonlyArray<Waiting>): ReadonlyArray<ReadonlyArray<Waiting>> => {
  const groups = new Map<RateLimitPolicy, Array<Waiting>>()
  for (const each of waiting) {
    const same = groups.get(each.policy)
    if (same === undefined) groups.set(each.policy, [each])
    else same.push(each)
  }
  return [...groups.values()]
}

/** The limiter of a worker. */
export const layer = (options: Options): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const { fallback, link, retryMillis = 500, timeoutMillis = 1000 } = options
      const run = Effect.runForkWith(yield* Effect.context())
      /** What came since the last question. */
      let gathered: Array<Waiting> = []
      /** The question that is under way. */
      let question: Question | undefined
      let isDue = false
      let batch = 0
      let away = false
      let retry: NodeJS.Timeout | undefined

      const giveUp = (): void => {
        if (question !== undefined) clearTimeout(question.timer)
        const all = [...(question?.waiting ?? []), ...gathered]
        question = undefined
        gathered = []
        for (const { key, policy, resume } of all) resume?.(fallback.take(policy, key))
      }

      const leave = (): void => {
        if (!away) run(Effect.logWarning("The primary does not answer: this process limits by itself meanwhile"))
        away = true
        // One question, which it answers when it can; more would only fill the channel.
        retry ??= setTimeout(() => link.send({ _tag: "Take", batch: ++batch, asks: [] }), retryMillis)
        giveUp()
      }

      /**
       * The answer may be there and not be read yet, if it was this process that was busy: what has arrived is read before
       * the next check.
       */
      const late = (number: number): void => {
        setImmediate(() => {
          if (question?.batch === number) leave()
        })
      }

      const ask = (): void => {
        isDue = false
        if (question !== undefined || gathered.length === 0) return
        const groups = group(gathered)
        gathered = []
        const number = ++batch
        question = { batch: number, waiting: groups.flat(), timer: setTimeout(() => late(number), timeoutMillis) }
        link.send({
          _tag: "Take",
          batch: number,
          asks: groups.map((same) => ({ policy: same[0]!.policy, keys: same.map(({ key }) => key) }))
        })
      }

      /** Asks at the end of this turn of the event loop, for all that came in it. */
      const askSoon = (): void => {
        if (isDue || question !== undefined) return
        isDue = true
        setImmediate(ask)
      }

      const answered = (message: ToWorker): void => {
        if (message._tag !== "Taken") return
        if (away) {
          away = false
          clearTimeout(retry)
          retry = undefined
          run(Effect.logInfo("The primary is back: the rate limit is shared again"))
        }
        if (question?.batch !== message.batch) return
        const { timer, waiting } = question
        clearTimeout(timer)
        question = undefined
        waiting.forEach(({ key, policy, resume }, place) => {
          const decision = decode(message.decisions, place)
          resume?.(decision === undefined ? fallback.take(policy, key) : Exit.succeed(decision))
        })
        if (gathered.length > 0) askSoon()
      }

      yield* Effect.acquireRelease(
        Effect.sync(() => link.listen(answered)),
        (stop) =>
          Effect.sync(() => {
            stop()
            clearTimeout(retry)
            // Nobody would answer.
            away = true
            giveUp()
          })
      )

      return RateLimiter.of({
        take: (policy, key) =>
          Effect.suspend(() => {
            if (away) return fallback.take(policy, key)
            return Effect.callback<RateLimitDecision>((resume) => {
              const waiting: Waiting = { policy, key, resume }
              gathered.push(waiting)
              askSoon()
              return Effect.sync(() => {
                waiting.resume = undefined
              })
            })
          })
      })
    })
  )

/** The primary's answer to what a worker asks. */
export const answer = (
  limiter: RateLimiter["Service"],
  batch: number,
  asks: ReadonlyArray<Ask>
): Effect.Effect<ToWorker> =>
  Effect.map(
    Effect.forEach(asks, ({ keys, policy }) => Effect.forEach(keys, (key) => limiter.take(policy, key))),
    (decisions) => ({ _tag: "Taken", batch, decisions: encode(decisions.flat()) })
  )
