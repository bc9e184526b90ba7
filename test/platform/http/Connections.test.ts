import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, Option, Scope } from "effect"
import * as Connections from "../../../src/platform/http/Connections.ts"
import { until } from "../../support/Wait.ts"

/** Limits that no test here reaches. */
const unlimited: Connections.Options["limits"] = {
  total: 100_000,
  perAddress: Option.none(),
  trustedProxies: [],
  idle: { keepAlive: 65_000, head: 10_000 }
}

describe("Connections", () => {
  /** Answers at once, except "/later". The response to "/much" exceeds the system's buffers. */
  const serve = Effect.fnUntraced(function* (scope: Scope.Scope, serverOptions: Omit<Connections.Options, "limits">) {
    const options = { ...serverOptions, limits: unlimited }
    const later: Array<() => void> = []
    const server = createServer((request, response) => {
      const answer = () => response.end(request.url === "/much" ? Buffer.alloc(16 * 2 ** 20) : "ok\n")
      request.resume().on("end", () => (request.url === "/later" ? later.push(answer) : answer()))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    yield* Scope.provide(Connections.track(server, options), scope)
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
  const client = (port: number, first = request): Client => {
    const socket = connect({ host: "127.0.0.1", port })
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

  it.live("a defect of a check is logged, and the connections are checked again", () => {
    const lines: Array<string> = []
    let reads = 0
    const options: Connections.Options = {
      linger: 0,
      end: 0,
      limits: unlimited,
      get unreadTimeout() {
        // The first read is for the interval of the checks.
        if (++reads === 2) throw new Error("the first check")
        return 40
      }
    }
    return Effect.gen(function* () {
      const server = createServer()
      yield* Connections.track(server, options)
      yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      yield* until("the second check", () => reads > 2)
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /level=WARN.*could not be checked; retrying.*the first check/s)
    }).pipe(
      Effect.scoped,
      Effect.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
    )
  })

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

  it.live("a client that waits for a response for longer than unreadTimeout gets it", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port, server } = yield* serve(scope, { linger: "1 second", end: "10 seconds", unreadTimeout: 50 })
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
      const { later, port, server } = yield* serve(scope, { linger: "1 second", end: "10 seconds", unreadTimeout: 50 })
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

  it.live("only the connection that exceeds the limit of pipelined requests is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const options = { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 } as const
      const { later, port, server } = yield* serve(scope, options)
      let received = 0
      let closed = 0
      server.on("request", (_, response) => {
        received++
        response.on("close", () => closed++)
      })
      const pipeline = (times: number) => client(port, requestOf("/later").repeat(times))
      const countOf = ({ received }: Client) => received().match(/HTTP\/1\.1 200/g)?.length
      const first = pipeline(6_000)
      yield* until("the client's requests wait", () => later.length === 6_000)
      const second = pipeline(6_000)
      yield* until("the second connection is closed", second.closed)
      // The first request of each connection is not behind another. The second connection is not parsed after its excess request.
      assert.strictEqual(received, Connections.maxPipelined + 1 + 2)
      assert.strictEqual(second.received(), "")
      const third = client(port)
      yield* until("a client that sends one request is answered", () => third.received().endsWith("ok\n"))
      for (const answer of later.splice(0)) answer()
      yield* until("the first connection has all its responses", () => countOf(first) === 6_000)
      yield* until("no answer is open", () => closed === received)
      // The full limit is available again: the earlier requests no longer count.
      const last = pipeline(Connections.maxPipelined + 1)
      yield* until("the maximum number of requests waits", () => later.length === Connections.maxPipelined + 1)
      for (const answer of later) answer()
      yield* until("the last connection has all its responses", () => countOf(last) === Connections.maxPipelined + 1)
    }).pipe(Effect.scoped)
  )

  for (const [name, bytes] of [
    ["a missing Host", "GET / HTTP/1.1\r\n\r\n"],
    ["an unknown expectation", "GET / HTTP/1.1\r\nHost: edge\r\nExpect: cake\r\n\r\n"]
  ] as const) {
    it.live(`requests that Node answers by itself count towards the limit: ${name}`, () =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const options = { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 } as const
        const { later, port } = yield* serve(scope, options)
        // Node stops reading when its write queue is full, and answers everything it has read: one read's worth of requests.
        const perRead = Math.floor(65_536 / bytes.length) - 10
        const clients: Array<Client> = []
        while ((clients.length + 1) * perRead < Connections.maxPipelined) {
          clients.push(client(port, requestOf("/later") + bytes.repeat(perRead)))
          yield* until("a request waits", () => later.length === clients.length)
        }
        assert.isTrue(clients.every(({ closed }) => !closed()))
        const last = client(port, requestOf("/later") + bytes.repeat(perRead))
        yield* until("the connection with too many is closed", last.closed)
        assert.isTrue(clients.every(({ closed }) => !closed()))
        for (const answer of later) answer()
        yield* until("the other requests are answered", () =>
          clients.every(({ received }) => received().includes("ok\n"))
        )
        for (const { socket } of clients) socket.destroy()
      }).pipe(Effect.scoped)
    )
  }

  it.live("when a client disconnects, its responses are closed and no longer counted, whatever it sent last", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const options = { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 } as const
      const { later, port, server } = yield* serve(scope, options)
      let open = 0
      server.on("request", (_, response) => {
        open++
        response.on("close", () => open--)
      })
      const times = 1_000
      const ends = [
        "CONNECT edge:443 HTTP/1.1\r\nHost: edge\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "?\r\n\r\n",
        ""
      ]
      for (const end of ends) {
        const leaving = client(port, requestOf("/later").repeat(times) + end)
        yield* until("the requests wait, or the connection is closed", () => open === times || leaving.closed())
        leaving.socket.destroy()
        yield* until(`no answer is open after ${end}`, () => open === 0)
      }
      later.splice(0)
      const last = client(port, requestOf("/later").repeat(Connections.maxPipelined + 1))
      yield* until("the maximum number waits", () => later.length === Connections.maxPipelined + 1)
      last.socket.destroy()
      yield* until("no answer is open at the end", () => open === 0)
    }).pipe(Effect.scoped)
  )
})
