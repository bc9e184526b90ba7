/**
 * Runs `hydracore`'s commands in the test's process, for shell scripts that send the arguments over a socket: a process of its
 * own for each command takes ten times the processor time.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import path from "node:path"
import { text } from "node:stream/consumers"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { ConfigProvider, Effect, Layer, Runtime, Sink, Stdio } from "effect"
import * as Program from "../../src/cli/Program.ts"

interface Ended {
  readonly code: number
  readonly output: string
}

/** Runs a command with this environment. */
const run = Effect.fnUntraced(function* (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) {
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
  return { code, output } satisfies Ended
})

/**
 * Serves commands until the scope closes, and gives the socket's path. A request's body is the arguments, each followed by a
 * zero byte; the answer is the output, with status 500 where the process would exit with another code than 0.
 */
export const start = (env: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: string; readonly close: () => void }>((resume) => {
      const folder = mkdtempSync(path.join(tmpdir(), "hydracore-docs-"))
      const socket = path.join(folder, "s")
      const server = createServer(async (request, response) => {
        const args = (await text(request)).split("\0").slice(0, -1)
        const { code, output } = await Effect.runPromise(run(args, env))
        response.writeHead(code === 0 ? 200 : 500).end(output)
      })
      const close = () => {
        server.close()
        server.closeAllConnections()
        rmSync(folder, { recursive: true })
      }
      server.listen(socket, () => resume(Effect.succeed({ socket, close })))
    }),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ socket }) => socket))
