/**
 * The undocumented members that `runtime/NodeInternals` uses exist in this version of Node and have the expected effect.
 */
import { spawn } from "node:child_process"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { connect, Socket } from "node:net"
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

  it.live("a connection has its current request and response, and has a parser until it closes", () =>
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
      yield* until(
        "the next response is current",
        () => NodeInternals.currentResponse(socket) === exchanges[1]!.response
      )
      client.destroy()
      yield* until("the connection is closed", () => socket.closed)
      assert.isFalse(NodeInternals.hasParser(socket))
    }).pipe(Effect.scoped)
  )

  it.live("the bytes that the system has accepted are counted", () =>
    Effect.gen(function* () {
      const { client, exchanges, socket } = yield* connected
      client.pause()
      client.write(head(0))
      yield* until("the head is parsed", () => exchanges.length === 1)
      assert.strictEqual(NodeInternals.acceptedBytes(socket), 0)
      const size = 32 * 2 ** 20
      exchanges[0]!.response.end(Buffer.alloc(size))
      yield* until("some bytes are accepted", () => NodeInternals.acceptedBytes(socket) > 0)
      assert.isBelow(NodeInternals.acceptedBytes(socket), size)
      client.resume()
      yield* until("all bytes are accepted", () => NodeInternals.acceptedBytes(socket) > size)
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

  it.live("after the parser's listeners are removed, nothing is parsed until they are called directly", () =>
    Effect.gen(function* () {
      const { client, exchanges, socket } = yield* connected
      const { onData, onEnd } = NodeInternals.parserListeners(socket)
      const received: Array<Buffer> = []
      let hasEnded = false
      socket.off("data", onData).off("end", onEnd)
      socket
        .on("data", (data: Buffer) => received.push(data))
        .on("end", () => {
          hasEnded = true
        })
      client.end(head(0))
      yield* until("all data is received", () => hasEnded)
      assert.lengthOf(exchanges, 0)
      onData(Buffer.concat(received))
      assert.lengthOf(exchanges, 1)
      exchanges[0]!.response.end()
      yield* until("the response is sent", () => exchanges[0]!.response.closed)
      assert.isFalse(socket.writableEnded)
      onEnd()
      assert.isTrue(socket.writableEnded)
    }).pipe(Effect.scoped)
  )

  it.live("Node calls a connection's pause and resume for unread bodies and for unread responses", () =>
    Effect.gen(function* () {
      const { client, exchanges, socket } = yield* connected
      const calls: Array<string> = []
      NodeInternals.replaceFlowControl(
        socket,
        () => {
          calls.push("pause")
          Socket.prototype.pause.call(socket)
        },
        () => {
          calls.push("resume")
          Socket.prototype.resume.call(socket)
        }
      )
      client.write(head(2 ** 20))
      yield* until("the head is parsed", () => exchanges.length === 1)
      client.write(Buffer.alloc(2 ** 20))
      yield* until("the body's reader is behind", () => calls.at(-1) === "pause")
      exchanges[0]!.request.resume()
      yield* until("the body is read", () => exchanges[0]!.request.readableEnded)
      assert.strictEqual(calls.at(-1), "resume")
      client.pause()
      exchanges[0]!.response.end(Buffer.alloc(32 * 2 ** 20))
      client.write(head(0))
      yield* until("the client is behind", () => exchanges.length === 2 && calls.at(-1) === "pause")
      client.resume()
      yield* until("the client has read the response", () => calls.at(-1) === "resume")
    }).pipe(Effect.scoped)
  )

  it.live("the last `setKeepAlive` decides whether a response keeps its connection open", () =>
    Effect.gen(function* () {
      const { client, exchanges } = yield* connected
      let received = ""
      client.setEncoding("latin1").on("data", (text: string) => {
        received += text
      })
      for (const keepAlive of [true, false]) {
        received = ""
        client.write(head(0))
        const { response } = yield* until("the head is parsed", () => exchanges.pop())
        assert.isTrue(NodeInternals.setKeepAlive(response, false))
        assert.isFalse(NodeInternals.setKeepAlive(response, keepAlive))
        response.end()
        yield* until("the response arrives", () => received.endsWith("\r\n\r\n"))
        assert.match(received, keepAlive ? /^Connection: keep-alive\r$/m : /^Connection: close\r$/m)
      }
      yield* until("the connection is closed", () => client.closed)
    }).pipe(Effect.scoped)
  )

  it.live("after `keepIdleOnClose`, a server that stops listening keeps its idle connections open", () =>
    Effect.gen(function* () {
      const { client, exchanges, server, socket } = yield* connected
      NodeInternals.keepIdleOnClose(server)
      const answered = Effect.gen(function* () {
        client.write(head(0))
        const { response } = yield* until("the head is parsed", () => exchanges.pop())
        response.end()
        yield* until("the response is sent", () => response.closed)
      })
      yield* answered
      server.close()
      assert.isFalse(socket.destroyed)
      yield* answered
    }).pipe(Effect.scoped)
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
