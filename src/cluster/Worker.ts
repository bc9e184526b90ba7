/**
 * A worker's side of `serve --workers`: when it ends, and what it says of itself.
 *
 * A worker ends when its primary tells it to, or when the primary has gone: then it answers what it has and ends, since
 * nobody would ever end it. Signals that a terminal or a supervisor sends to all processes at once are the primary's to
 * obey, in the order that loses no request.
 *
 * @module
 */
import { type Cause, Deferred, Duration, Effect } from "effect"
import * as Snapshot from "../core/metrics/Snapshot.ts"
import type { FromWorker, Link } from "./Protocol.ts"

/** The process that a worker runs in, as far as it matters here. */
export interface Host {
  readonly on: (event: NodeJS.Signals | "disconnect", listener: () => void) => unknown
  readonly off: (event: NodeJS.Signals | "disconnect", listener: () => void) => unknown
}

/** How long the last words may take. */
const farewell = Duration.seconds(1)

const say = (link: Link, message: FromWorker): Effect.Effect<void> =>
  Effect.callback<void>((resume) => link.send(message, undefined, () => resume(Effect.void))).pipe(
    Effect.timeoutOrElse({ duration: farewell, orElse: () => Effect.void })
  )

/** Tells the primary why a worker ends, if it does not end as it should. */
export const telling =
  (link: Link, explain: (cause: Cause.Cause<unknown>) => string) =>
  <A, E, R>(worker: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.tapCause(worker, (cause) => say(link, { _tag: "Failed", message: explain(cause) }))

/**
 * Runs `service` until this worker is to end; it is ended by closing its scope. Succeeds when it has ended, and fails if
 * the service could not be started.
 */
export const run = Effect.fnUntraced(function* <A, E, R>(host: Host, link: Link, service: Effect.Effect<A, E, R>) {
  const context = yield* Effect.context<never>()
  const ended = yield* Deferred.make<void>()
  const measured = (): FromWorker => ({ _tag: "Measured", snapshot: Snapshot.take(context) })
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const end = () => Deferred.doneUnsafe(ended, Effect.void)
      const pass = () => link.send({ _tag: "AskedToEnd" })
      const ignore = () => {}
      const stop = link.listen(({ _tag }) => {
        if (_tag === "End") end()
        else if (_tag === "Measure") link.send(measured())
      })
      const listeners = [
        ["disconnect", end],
        ["SIGTERM", pass],
        ["SIGINT", pass],
        ["SIGHUP", ignore]
      ] as const
      for (const [event, listener] of listeners) host.on(event, listener)
      return () => {
        stop()
        for (const [event, listener] of listeners) host.off(event, listener)
      }
    }),
    (release) => Effect.sync(release)
  )
  const serving = Effect.andThen(
    service,
    Effect.suspend(() => {
      link.send({ _tag: "Serving" })
      return Effect.never
    })
  )
  yield* Effect.raceFirst(Effect.scoped(serving), Deferred.await(ended))
  // What was measured until the end, which nobody can ask for any more.
  yield* say(link, measured())
}, Effect.scoped)
