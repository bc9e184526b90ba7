/**
 * `npm run bench`: compares the service with its alternatives, or with another revision of itself. See
 * `scripts/bench/README.md`.
 *
 * @module
 */
import { NodeRuntime } from "@effect/platform-node"
import { Cause, Effect, Exit } from "effect"
import * as Bench from "./bench/harness/Bench.ts"
import * as Options from "./bench/harness/Options.ts"

const parsed = Options.parse(process.argv.slice(2))

if (parsed._tag === "Help") console.log(Options.usage)
else if (parsed._tag === "Invalid") {
  console.error(`${parsed.message}\n\n${Options.usage}`)
  process.exitCode = 2
} else {
  NodeRuntime.runMain(
    Bench.run(parsed.options).pipe(
      Effect.tapError(({ message }) => Effect.sync(() => console.error(`The bench failed: ${message}`)))
    ),
    {
      disableErrorReporting: true,
      teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? 0 : Cause.hasInterruptsOnly(exit.cause) ? 130 : 1)
    }
  )
}
