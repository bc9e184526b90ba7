/**
 * What `runtime/NodeInternals` reads and sets exists in this version of Node, and means what its name says.
 */
import { spawn } from "node:child_process"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { connect, type Socket } from "node:net"
import { Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as NodeInternals from "../../src/runtime/NodeInternals.ts"
import { until } from "../support/Wait.ts"

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A server that records its requests, and a client that is connected to it. */
const connected = Effect.gen(function* () {
  const exchanges: Array<Exchange> = []
  const sockets: Array<Socket> = []
  const server = createServer((request, response) => void exchanges.push({ request, response }))
  server.on("connection", (socket) => void sockets.push(socket))
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () => Effect.sync(() => void server.close().closeAllConnections())
  )
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => connect(port, "127.0.0.1").on("error", () => {})),
    (socket) => Effect.sync(() => socket.destroy())
  )
  yield* until("the server has the connection", () => sockets.length === 1)
  return { client, exchanges, server, socket: sockets[0]! }
})

const head = (length: number) => `POST / HTTP/1.1\r\nHost: edge\r\nContent-Length: ${length}\r\n\r\n`

describe("runtime/NodeInternals", () => {
  it.live("the current request, the current response and the parser of a connection", () =>
    Effect.gen(function* () {
      const { client, exchanges, socket } = yield* connected
      assert.isUndefined(NodeInternals.currentResponse(socket))
      assert.isTrue(NodeInternals.hasParser(socket))
      client.write(head(2))
      yield* until("the head is parsed", () => exchanges.length === 1)
      const { request, response } = exchanges[0]!
      assert.strictEqual(NodeInternals.currentRequest(socket), request)
      assert.strictEqual(NodeInternals.currentResponse(socket), response)
      request.resume()
      client.write(`{}${head(2)}`)
      yield* until("the second head is parsed", () => exchanges.length === 2)
      assert.strictEqual(NodeInternals.currentRequest(socket), exchanges[1]!.request)
      assert.strictEqual(NodeInternals.currentResponse(socket), response)
      response.end()
      yield* until("the next is current", () => NodeInternals.currentResponse(socket) === exchanges[1]!.response)
      client.destroy()
      yield* until("the connection is closed", () => socket.closed)
      assert.isFalse(NodeInternals.hasParser(socket))
    }).pipe(Effect.scoped)
  )

  it.live("the bytes that the system has not accepted", () =>
    Effect.gen(function* () {
      const { client, exchanges, socket } = yield* connected
      client.pause()
      client.write(head(0))
      yield* until("the head is parsed", () => exchanges.length === 1)
      assert.strictEqual(NodeInternals.queuedBytes(socket), 0)
      exchanges[0]!.response.end(Buffer.alloc(32 * 2 ** 20))
      yield* until("bytes are queued", () => NodeInternals.queuedBytes(socket) > 0)
      client.resume()
      yield* until("all bytes are accepted", () => NodeInternals.queuedBytes(socket) === 0)
    }).pipe(Effect.scoped)
  )

  it.live("a destroyed connection parses no further request", () =>
    Effect.gen(function* () {
      const { client, exchanges, server, socket } = yield* connected
      server.once("request", () => NodeInternals.destroyWhileParsing(socket))
      client.write(head(0).repeat(1_000))
      yield* until("the connection is closed", () => socket.closed)
      assert.lengthOf(exchanges, 1)
    }).pipe(Effect.scoped)
  )

  it.live("a pipe has a function that sets whether it blocks; a stream of this process has none", () =>
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

  it.live("a stream with a function for several chunks writes each chunk by itself", () =>
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
      yield* until("all is written", () => writes.join("") === "abc")
      assert.deepStrictEqual(writes, ["a", "b", "c"])
    })
  )
})
