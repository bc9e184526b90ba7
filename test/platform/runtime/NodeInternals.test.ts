/**
 * The undocumented members that `platform/runtime/NodeInternals` uses exist in this version of Node and have the expected effect.
 */
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import { connect } from "node:net"
import { Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodeInternals from "../../../src/platform/runtime/NodeInternals.ts"
import { until } from "../../support/Wait.ts"

describe("platform/runtime/NodeInternals", () => {
  it.live("a bound socket has a port, and listens once a server has its file descriptor", () =>
    Effect.gen(function* () {
      const bound = NodeInternals.bind("127.0.0.1", 4, 0)
      const { port } = bound.address
      const connects = () =>
        new Promise<boolean>((resolve) => {
          const client = connect(port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false))
          client.on("close", () => client.destroy()).end()
        })
      assert.isFalse(yield* Effect.promise(connects))
      const server = createServer()
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen({ fd: bound.fd }, () => resume(Effect.void))),
        () => Effect.sync(() => void server.close().closeAllConnections())
      )
      assert.isTrue(yield* Effect.promise(connects))
      assert.throws(() => NodeInternals.bind("127.0.0.1", 4, port), /EADDRINUSE|bind/)
    })
  )

  it.live("a pipe has a function that sets whether it blocks; a stream that is no pipe has none", () =>
    Effect.gen(function* () {
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, ["--eval", "process.stdin.resume()"])),
        (child) => Effect.sync(() => child.kill())
      )
      const setBlocking = NodeInternals.setBlockingOf(child.stdin)
      assert.isDefined(setBlocking)
      setBlocking?.(false)
      assert.isUndefined(NodeInternals.setBlockingOf(new Writable()))
    }).pipe(Effect.scoped)
  )

  it.live("after `writeEachChunk`, a stream writes each chunk separately", () =>
    Effect.gen(function* () {
      const writes: Array<string> = []
      const stream = new Writable({
        write: (chunk, _, done) => {
          writes.push(String(chunk))
          setImmediate(done)
        },
        writev: (chunks, done) => {
          writes.push(chunks.map(({ chunk }) => String(chunk)).join(""))
          setImmediate(done)
        }
      })
      NodeInternals.writeEachChunk(stream)
      for (const line of ["a", "b", "c"]) stream.write(line)
      yield* until("all chunks are written", () => writes.join("") === "abc")
      assert.deepStrictEqual(writes, ["a", "b", "c"])
    })
  )
})
