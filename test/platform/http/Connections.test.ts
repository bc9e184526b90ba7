import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Option, Scope } from "effect"
import * as Connections from "../../../src/platform/http/Connections.ts"
import { freeingHeads } from "../../../src/platform/http/NodeServer.ts"
import { until } from "../../support/Wait.ts"

/** Without bounds that a test here reaches. */
const unlimited: Pick<Connections.Options, "total" | "perAddress" | "isProxy"> = {
  total: 100_000,
  perAddress: Option.none(),
  isProxy: () => false
}

type Times = Omit<Connections.Options, keyof typeof unlimited>

/** Answers at once, except "/later", and reads the body first, except "/unread". The response to "/much" exceeds the system's buffers. */
const serve = Effect.fnUntraced(function* (scope: Scope.Scope, times: Times, bounds: Partial<typeof unlimited> = {}) {
  const later: Array<() => void> = []
  const server = createServer()
  const run = Connections.track(server, { ...times, ...unlimited, ...bounds })
  const answering = freeingHeads((request, response) => {
    if (request.url === "/unread") return void response.end("ok\n")
    const answer = () => response.end(request.url === "/much" ? Buffer.alloc(16 * 2 ** 20) : "ok\n")
    request.resume().on("end", () => (request.url === "/later" ? later.push(answer) : answer()))
  })
  server.on("request", answering)
  yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  yield* Scope.provide(run, scope)
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  const address = server.address()
  return { server, later, port: typeof address === "object" && address !== null ? address.port : 0 }
})

interface Client {
  readonly socket: Socket
  readonly received: () => string
  readonly fault: () => string | undefined
  readonly closed: () => boolean
}

const requestOf = (path: string) => `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Length: 2\r\n\r\n{}`
const request = requestOf("/")

/** Connects and sends a request. */
const client = (port: number, first = request, localAddress = "127.0.0.1"): Client => {
  const socket = connect({ host: "127.0.0.1", port, localAddress })
  let [received, fault]: [string, string | undefined] = ["", undefined]
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text
  })
  socket.on("error", (error) => {
    fault = error.message
  })
  socket.write(first)
  return { socket, received: () => received, fault: () => fault, closed: () => socket.destroyed }
}

const answers = (clients: ReadonlyArray<Client>) =>
  clients.map(
    ({ fault, received }) =>
      fault() ??
      received()
        .match(/^HTTP\/1\.1 200|^Connection: \S+/gim)
        ?.join(" ")
  )

describe.concurrent("Connections", () => {
  it.live("a client that waits for a response for longer than unreadTimeout gets it", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port, server } = yield* serve(scope, {
        linger: "1 second",
        end: "10 seconds",
        unreadTimeout: 2_000
      })
      const busy = client(port, requestOf("/later"))
      yield* until("a request waits", () => later.length === 1)
      let otherConnections = 0
      server.once("connection", (socket: Socket) => {
        otherConnections++
        socket.on("close", () => {
          otherConnections--
        })
      })
      client(port, requestOf("/much")).socket.pause()
      yield* until("another client does not read", () => otherConnections === 1)
      yield* until("the other client's connection is closed", () => otherConnections === 0)
      for (const answer of later) answer()
      yield* until("the waiting request is answered", () => busy.received().endsWith("ok\n"))
      assert.isUndefined(busy.fault())
    }).pipe(Effect.scoped)
  )

  it.live("a connection is not closed while completed responses wait for an earlier one", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port, server } = yield* serve(scope, {
        linger: "1 second",
        end: "10 seconds",
        unreadTimeout: 2_000
      })
      const busy = client(port, requestOf("/later") + request)
      yield* until("a request waits", () => later.length === 1)
      let otherConnections = 0
      server.on("connection", (socket: Socket) => {
        otherConnections++
        socket.on("close", () => {
          otherConnections--
        })
      })
      // Two timeouts of other connections in a row last longer than a timeout of the first connection would.
      for (let turn = 0; turn < 2; turn++) {
        client(port, requestOf("/much") + request).socket.pause()
        yield* until("another client does not read", () => otherConnections === 1)
        yield* until("the other client's connection is closed", () => otherConnections === 0)
      }
      for (const answer of later) answer()
      yield* until("both requests are answered", () => answers([busy])[0]?.match(/200/g)?.length === 2)
      assert.isUndefined(busy.fault())
    }).pipe(Effect.scoped)
  )

  it.live("a grace period longer than Node's maximum timer does not close connections at once", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { later, port } = yield* serve(scope, { linger: "100 millis", end: "30 days", unreadTimeout: 60_000 })
      const [idle, busy] = [client(port), client(port, requestOf("/later"))]
      yield* until(
        "one request is answered, and one waits",
        () => idle.received().endsWith("ok\n") && later.length === 1
      )
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      // A timer that fires at once would have fired long before this.
      yield* until("the idle connection is closed", idle.closed)
      for (const answer of later) answer()
      yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      yield* until("all connections are closed", busy.closed)
      assert.deepStrictEqual(answers([busy]), ["HTTP/1.1 200 Connection: close"])
    }).pipe(Effect.scoped)
  )

  const times = { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 } as const

  it.live("a connection with too many pipelined requests is closed, also if all were answered", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port } = yield* serve(scope, times)
      const allowed = client(port, requestOf("/later") + request.repeat(Connections.maxPipelined))
      const answered = () => allowed.received().match(/HTTP\/1\.1 200/g)?.length ?? 0
      // Sent as soon as all before are answered: after a pause of a second, requests are counted anew.
      const next = [request, request.repeat(2)]
      allowed.socket.on("data", () => {
        if (answered() === Connections.maxPipelined + 3 - next.length) allowed.socket.write(next.shift() ?? "")
      })
      yield* until("the first request waits", () => later.length === 1)
      later.pop()?.()
      yield* until("a request alone is answered, and a further pipelined one closes the connection", allowed.closed)
      assert.isAtLeast(answered(), Connections.maxPipelined + 2)
      // Node also closes the connection, but later, and after it has answered both.
      assert.isBelow(answered(), Connections.maxPipelined + 4)
    }).pipe(Effect.scoped)
  )

  it.live("pipelined requests are counted anew after a pause", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port } = yield* serve(scope, times)
      const pipelining = client(port)
      for (let round = 1; round <= 2; round++) {
        yield* Effect.sleep(1_100)
        pipelining.socket.write(requestOf("/later") + request.repeat(Connections.maxPipelined))
        yield* until("the first request waits", () => later.length === 1)
        later.pop()?.()
        const answers = 1 + round * (Connections.maxPipelined + 1)
        yield* until("all are answered", () => pipelining.received().match(/HTTP\/1\.1 200/g)?.length === answers)
      }
    }).pipe(Effect.scoped)
  )

  it.live("an excluded address cannot connect, and its idle connections are closed; others are served", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port } = yield* serve(scope, times, { perAddress: Option.some(100) })
      const idle = client(port)
      const busy = client(port, requestOf("/later"))
      const other = client(port, request, "127.0.0.2")
      yield* until(
        "two are answered, and one waits",
        () => [idle, other].every(({ received }) => received().endsWith("ok\n")) && later.length === 1
      )
      const excluded = client(port, request.repeat(Connections.maxPipelined + 2))
      yield* until("both are closed", () => excluded.closed() && idle.closed())
      later[0]?.()
      yield* until("the busy connection is answered", () => busy.received().endsWith("ok\n"))
      const next = client(port)
      yield* until("a new one is refused", next.closed)
      assert.strictEqual(next.received(), "")
      other.socket.write(request)
      yield* until("another address is answered", () => other.received().match(/200/g)?.length === 2)
    }).pipe(Effect.scoped)
  )

  it.live("a trusted proxy is not excluded: only its connection is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { port } = yield* serve(scope, times, { perAddress: Option.some(100), isProxy: () => true })
      const pipelining = client(port, request.repeat(Connections.maxPipelined + 2))
      yield* until("it is closed", pipelining.closed)
      const next = client(port)
      yield* until("a new one is answered", () => next.received().endsWith("ok\n"))
    }).pipe(Effect.scoped)
  )

  it.live("the rest of a large body is not read after the response, and an address that sends many is excluded", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { port } = yield* serve(scope, times, { perAddress: Option.some(100) })
      const chunked = "POST /unread HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
      for (let sent = 0; sent < Connections.excluding; sent++) {
        // Another connection is accepted until then.
        if (sent === Connections.excluding - 1) {
          const earlier = client(port)
          yield* until("a connection is accepted", () => earlier.received().endsWith("ok\n"))
        }
        const unread = client(port, chunked)
        yield* until("it is answered and closed", () => unread.received().endsWith("ok\n") && unread.closed())
      }
      const next = client(port)
      yield* until("a new connection is refused", next.closed)
      assert.strictEqual(next.received(), "")
    }).pipe(Effect.scoped)
  )

  it.live("nor is it read if the head was large and is freed", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { port } = yield* serve(scope, times)
      const head = `POST /unread HTTP/1.1\r\nHost: edge\r\nCookie: ${"a".repeat(9_000)}\r\nTransfer-Encoding: chunked\r\n\r\n`
      const unread = client(port, `${head}1\r\na\r\n`)
      yield* until("it is answered", () => unread.received().endsWith("ok\n"))
      unread.socket.write(`0\r\n\r\n${request}`)
      const answered = () => unread.received().match(/ok\n/g)?.length
      yield* until("it is closed, or answered again", () => unread.closed() || answered() === 2)
      assert.strictEqual(answered(), 1)
    }).pipe(Effect.scoped)
  )

  it.live("a connection on which only blank lines arrive is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { port } = yield* serve(scope, times)
      const blank = client(port, "\r\n".repeat(2 ** 16 + 1))
      yield* until("it is closed", blank.closed)
    }).pipe(Effect.scoped)
  )

  it.live("when a client disconnects, its responses are closed, whatever it sent last", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { port, server } = yield* serve(scope, times)
      let open = 0
      server.on("request", (_, response) => {
        open++
        response.on("close", () => open--)
      })
      const ends = [
        "CONNECT edge:443 HTTP/1.1\r\nHost: edge\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "?\r\n\r\n",
        ""
      ]
      const count = Connections.maxPipelined
      for (const end of ends) {
        const leaving = client(port, requestOf("/later").repeat(count) + end)
        yield* until("the requests wait, or the connection is closed", () => open === count || leaving.closed())
        leaving.socket.destroy()
        yield* until(`no answer is open after ${end}`, () => open === 0)
      }
    }).pipe(Effect.scoped)
  )
})

// Not beside others: one blocks the process for a second, and the other waits for a turn of the event loop in which little happens.
describe("Connections, one test after the other", () => {
  it.live("connections in the system's backlog are answered during shutdown", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* serve(scope, { linger: "2 seconds", end: "10 seconds", unreadTimeout: 60_000 })
      const clients = Array.from({ length: 20 }, () => client(port))
      // The clients connect in the next ticks, and the scope begins to close before the event loop polls the sockets.
      yield* Effect.promise(() => new Promise<void>((resolve) => process.nextTick(resolve)))
      yield* Scope.close(scope, Exit.void)
      yield* until("all connections are closed", () => clients.every(({ closed }) => closed()))
      assert.deepStrictEqual(
        answers(clients),
        clients.map(() => "HTTP/1.1 200 Connection: close")
      )
    }).pipe(Effect.scoped)
  )

  it.live("a request that has arrived but is unread when idle connections are closed is answered", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port, server } = yield* serve(scope, { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 })
      const idle = Array.from({ length: 40 }, () => client(port))
      const busy = client(port)
      const clients = [...idle, busy]
      yield* until("all clients are answered", () => clients.every(({ received }) => received().endsWith("ok\n")))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* Effect.callback<void>((resume) => {
        const check = () => {
          if (server.listening) return void setImmediate(check)
          busy.socket.write(request)
          // Blocks the process until after `linger`, so that its timers fire before it reads anything.
          const due = performance.now() + 1_100
          while (performance.now() < due);
          resume(Effect.void)
        }
        check()
      })
      yield* until("all connections are closed", () => clients.every(({ closed }) => closed()))
      yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      assert.deepStrictEqual(answers(clients), [
        ...idle.map(() => "HTTP/1.1 200 Connection: keep-alive"),
        "HTTP/1.1 200 Connection: keep-alive HTTP/1.1 200 Connection: close"
      ])
    }).pipe(Effect.scoped)
  )
})
