/**
 * `demo`, which `npm start` runs.
 *
 * @module
 */
import { Effect } from "effect"
import { Command } from "effect/cli"

export const command = Command.make("demo", {}, () =>
  // Loaded here, because the other commands would take longer to start.
  Effect.flatMap(
    Effect.promise(() => import("../support/RunDemo.ts")),
    ({ run }) => run
  )
).pipe(Command.withDescription("Try the service on this machine, with its own database, website and agent"))
