/**
 * The worker's side of `serve --workers`: its lifecycle and its reports to the primary.
 *
 * A worker ends when the primary sends `End`, or when the channel disconnects because the primary died; it completes open
 * requests first. A terminal or supervisor may send a signal to all processes at once. A worker therefore ignores SIGHUP, and
 * reports SIGTERM and SIGINT to the primary, which ends the workers in an order that loses no request.
 *
 * @module
 */
import { Deferred, Effect } from "effect"
import { constVoid } from "effect/Function"
import * as Snapshot from "../telemetry/Snapshot.ts"
import type { FromWorker, Link } from "./Protocol.ts"

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
