/**
 * Runs `hydracore` in the test's process, as `src/cli/Main.ts` does: starting a process takes ten times the processor time.
 *
 * @module
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Effect, Layer, Runtime, Sink, Stdio } from "effect"
import * as Program from "../../src/cli/Program.ts"

export interface Ended {
  /** The code with which the process would exit. */
  readonly code: number
  /** Its standard output and standard error. */
  readonly output: string
}

/** Runs a command with arguments and an environment. */
export const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>
): Effect.fn.Return<Ended> {
  let output = ""
  const decoder = new TextDecoder()
  const keep = () =>
    Sink.forEachArray((parts: ReadonlyArray<string | Uint8Array>) =>
      Effect.sync(() => {
        for (const part of parts) output += typeof part === "string" ? part : decoder.decode(part, { stream: true })
      })
    )
  const stdio = Stdio.layerTest({ stdout: keep, stderr: keep, stdoutIsTerminal: Effect.succeed(false) })
  const exit = yield* Program.run(args).pipe(
    Effect.provide(Layer.merge(NodeServices.layer, stdio)),
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(env)),
    Effect.exit
  )
  let code = -1
  Runtime.defaultTeardown(exit, (given) => {
    code = given
  })
  return { code, output }
})
