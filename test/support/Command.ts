/**
 * Runs `hydracore` in the test's process, as `src/cli/Main.ts` does, because starting a process takes ten times the processor
 * time.
 *
 * @module
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Effect, Fiber, Layer, Runtime, type Scope, Sink, Stdio } from "effect"
import * as Program from "../../src/cli/Program.ts"
import * as TestMetrics from "./TestMetrics.ts"

export interface Ended {
  /** The code with which the process would exit. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** The texts of `stdout` and `stderr`, in the order in which they were written. */
  readonly output: string
}

export interface Launched {
  /** The output so far. */
  readonly output: () => string
  readonly ended: Effect.Effect<Ended>
}

/** Starts a command with arguments and an environment. Closing the scope interrupts it, as SIGTERM interrupts a process. */
export const launch = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
): Effect.fn.Return<Launched, never, Scope.Scope> {
  const written = { stdout: "", stderr: "", output: "" }
  const collect = (name: "stdout" | "stderr") => () => {
    const decoder = new TextDecoder()
    return Sink.forEachArray((parts: ReadonlyArray<string | Uint8Array>) =>
      Effect.sync(() => {
        for (const part of parts) {
          const text = typeof part === "string" ? part : decoder.decode(part, { stream: true })
          written[name] += text
          written.output += text
        }
      })
    )
  }
  const stdio = Stdio.layerTest({
    stdout: collect("stdout"),
    stderr: collect("stderr"),
    stdoutIsTerminal: Effect.succeed(false)
  })
  const command = yield* Program.run(args).pipe(
    Effect.provide(Layer.mergeAll(NodeServices.layer, stdio, TestMetrics.make().layer)),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env)),
    Effect.forkScoped
  )
  const ended = Effect.map(Fiber.await(command), (exit) => {
    let code = -1
    Runtime.defaultTeardown(exit, (exitCode) => {
      code = exitCode
    })
    return { code, ...written }
  })
  return { output: () => written.output, ended }
})

/** Runs a command to its end. */
export const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(launch(args, env), ({ ended }) => ended))
