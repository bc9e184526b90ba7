/**
 * The messages between the primary of `serve --workers` and its workers, over Node's IPC channel. After an upgrade and a
 * rolling restart, a worker may be of another version than its primary: both ignore unknown messages. Also the worker's side: its
 * lifecycle and its reports to the primary.
 *
 * A worker ends when the primary sends `End`, or when the channel disconnects because the primary died; it completes open
 * requests first. A terminal or supervisor may send a signal to all processes at once. A worker therefore ignores SIGHUP, and
 * reports SIGTERM and SIGINT to the primary, which ends the workers in an order that loses no request.
 *
 * @module
 */
import { Deferred, Effect, Predicate } from "effect"
import { constVoid } from "effect/Function"
import type { RateLimitDecision, RateLimitPolicy } from "../limits/RateLimit.ts"
import * as Snapshot from "../telemetry/Snapshot.ts"

/** Rate-limit requests under one policy. This version sends each key by itself. */
export interface LimitRequest {
  readonly policy: RateLimitPolicy
  readonly keys: readonly [key: string, ...others: ReadonlyArray<string>]
}

export type ToWorker =
  /** The decisions on a batch, in the batch's order (see `encode`). */
  | { readonly _tag: "Taken"; readonly batch: number; readonly decisions: ReadonlyArray<number> }
  /** Requests a `Measured`. */
  | { readonly _tag: "Measure" }
  /** The service will stop listening: `/readyz` answers 503, and everything else goes on. */
  | { readonly _tag: "Drain" }
  /** Stop listening, complete open requests, then end. */
  | { readonly _tag: "End" }

export type FromWorker =
  | { readonly _tag: "Serving" }
  /** The worker cannot serve and ends. `message` is one line for the user. */
  | { readonly _tag: "Failed"; readonly message: string }
  /** Requests decisions, which `Taken` returns, on a batch. */
  | { readonly _tag: "Take"; readonly batch: number; readonly requests: ReadonlyArray<LimitRequest> }
  | { readonly _tag: "Measured"; readonly snapshot: Snapshot.Snapshot }
  /** The worker received a signal to end; the primary decides. */
  | { readonly _tag: "EndRequested" }

/** One end of a channel. Messages to a closed channel are dropped without an error. */
export interface Channel<In, Out> {
  /** Sends a message. `done` runs when it is written or dropped. */
  readonly send: (message: Out, done?: () => void) => void
  readonly listen: (receive: (message: In) => void) => void
}

export type Link = Channel<ToWorker, FromWorker>

/** What `process` and a `ChildProcess` have in common. */
interface Peer {
  readonly send?: NodeJS.Process["send"]
  readonly on: (event: "message", receive: (message: unknown) => void) => unknown
}

/** The channel to a child process, or to the parent if `peer` is `process`. */
export const channelOf = <In, Out extends object>(peer: Peer): Channel<In, Out> => ({
  // The callback also gets errors. Without it, an `error` event would end the process.
  send: (message, done) => void peer.send?.(message, undefined, {}, () => done?.()),
  listen: (receive) =>
    peer.on("message", (message) => {
      if (Predicate.hasProperty(message, "_tag")) receive(message as In)
    })
})

/** Encodes each decision as three numbers; JSON objects would repeat the field names. */
export const encode = (decisions: ReadonlyArray<RateLimitDecision>): ReadonlyArray<number> =>
  decisions.flatMap(({ accepted, remaining, resetMillis }) => [accepted ? 1 : 0, remaining, resetMillis])

/** The decision at an index of the encoded decisions; undefined if there is none. */
export const decode = (numbers: ReadonlyArray<number>, index: number): RateLimitDecision | undefined => {
  const [accepted, remaining, resetMillis] = numbers.slice(3 * index, 3 * index + 3)
  return accepted === undefined || remaining === undefined || resetMillis === undefined
    ? undefined
    : { accepted: accepted === 1, remaining, resetMillis }
}

/** The part of `process` that a worker uses. */
export interface Host {
  readonly connected: boolean
  readonly on: (event: NodeJS.Signals | "disconnect", listener: () => void) => unknown
}

/** Sends a message and waits until it is written, for at most a second. */
export const send = (link: Link, message: FromWorker) =>
  Effect.callback<void>((resume) => link.send(message, () => resume(Effect.void))).pipe(
    Effect.timeoutOption("1 second")
  )

/**
 * Runs `service` until this worker must end, then closes the service's scope. Succeeds once the scope has closed; fails if
 * the service could not start.
 */
export const run = Effect.fnUntraced(function* <A, E, R>(host: Host, link: Link, service: Effect.Effect<A, E, R>) {
  const context = yield* Effect.context<never>()
  const measured = (): FromWorker => ({ _tag: "Measured", snapshot: Snapshot.take(context) })
  const ended = yield* Deferred.make<void>()
  const end = () => Deferred.doneUnsafe(ended, Effect.void)
  const forward = () => link.send({ _tag: "EndRequested" })
  // The listeners stay until the process ends, also while the service drains.
  link.listen(({ _tag }) => {
    if (_tag === "End") end()
    else if (_tag === "Measure") link.send(measured())
  })
  host.on("disconnect", end)
  host.on("SIGTERM", forward)
  host.on("SIGINT", forward)
  host.on("SIGHUP", constVoid)
  // The primary died before the listeners were added: no `disconnect` follows.
  if (!host.connected) end()
  const serving = Effect.andThen(
    service,
    Effect.suspend(() => {
      link.send({ _tag: "Serving" })
      return Effect.never
    })
  )
  yield* Effect.raceFirst(Effect.scoped(serving), Deferred.await(ended))
  // The final metrics: the primary can no longer request them.
  yield* send(link, measured())
})
