/**
 * Runs `hydracore`'s commands in the test's process, for shell scripts that send the arguments over a socket.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import path from "node:path"
import { text } from "node:stream/consumers"
import { Effect } from "effect"
import * as Command from "../support/Command.ts"

/**
 * Serves commands until the scope closes, and returns the socket's path. A request's body is the arguments, each followed by a
 * zero byte; the answer is the output, with status 500 where the process would exit with another code than 0.
 */
export const start = (env: Readonly<Record<string, string>>) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: string; readonly close: () => void }>((resume) => {
      const folder = mkdtempSync(path.join(tmpdir(), "hydracore-docs-"))
      const socket = path.join(folder, "s")
      const server = createServer(async (request, response) => {
        const args = (await text(request)).split("\0").slice(0, -1)
        const { code, output } = await Effect.runPromise(Command.run(args, env))
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
