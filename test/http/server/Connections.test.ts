import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Layer, Option, Scope } from "effect"
import * as Connections from "../../../src/http/server/Connections.ts"
import { until } from "../../support/Wait.ts"

/** Bounds that no test here meets. */
const unlimited: Connections.Options["limits"] = {
  total: 100_000,
  perAddress: Option.none(),
  trustedProxies: [],
  idle: { keepAlive: 65_000, head: 10_000 }
}

describe("Connections", () => {
  /** Answers every request at once, but for those of "/later"; with more than the system keeps, of "/much". */
  const serve = Effect.fnUntraced(function* (scope: Scope.Scope, given: Omit<Connections.Options, "limits">) {
    const options = { ...given, limits: unlimited }
    const later: Array<() => void> = []
    const server = createServer((request, response) => {
      const answer = () => response.end(request.url === "/much" ? Buffer.alloc(16 * 2 ** 20) : "ok\n")
      request.resume().on("end", () => (request.url === "/later" ? later.push(answer) : answer()))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    yield* Layer.buildWithScope(Connections.layer(server, options), scope)
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

  it.live("whoever the system has taken in before the end is answered", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port } = yield* serve(scope, { linger: "2 seconds", end: "10 seconds", unreadTimeout: 60_000 })
      const clients = Array.from({ length: 20 }, () => client(port))
      // They connect in the ticks that come next; before the event loop looks at a socket the scope is being closed.
      yield* Effect.promise(() => new Promise<void>((resolve) => process.nextTick(resolve)))
      yield* Scope.close(scope, Exit.void)
      yield* until("all connections are closed", () => clients.every(({ closed }) => closed()))
      assert.deepStrictEqual(
        answers(clients),
        clients.map(() => "HTTP/1.1 200 Connection: close")
      )
    }).pipe(Effect.scoped)
  )

  it.live("a request that waits to be read when the idle connections are closed is answered", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { port, server } = yield* serve(scope, { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 })
      const idle = Array.from({ length: 40 }, () => client(port))
      const busy = client(port)
      const clients = [...idle, busy]
      yield* until("they are answered", () => clients.every(({ received }) => received().endsWith("ok\n")))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* Effect.callback<void>((resume) => {
        const look = () => {
          if (server.listening) return void setImmediate(look)
          busy.socket.write(request)
          // The process stands still until they are to be closed: its timers go off before it reads anything.
          const due = performance.now() + 1_100
          while (performance.now() < due);
          resume(Effect.void)
        }
        look()
      })
      yield* until("all connections are closed", () => clients.every(({ closed }) => closed()))
      yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      assert.deepStrictEqual(answers(clients), [
        ...idle.map(() => "HTTP/1.1 200 Connection: keep-alive"),
        "HTTP/1.1 200 Connection: keep-alive HTTP/1.1 200 Connection: close"
      ])
    }).pipe(Effect.scoped)
  )

  it.live("whoever waits for an answer for longer than one may stand unread gets it", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port, server } = yield* serve(scope, { linger: "1 second", end: "10 seconds", unreadTimeout: 50 })
      const busy = client(port, requestOf("/later"))
      yield* until("one waits", () => later.length === 1)
      let unread = 0
      server.once("connection", (socket: Socket) => {
        unread++
        socket.on("close", () => {
          unread--
        })
      })
      client(port, requestOf("/much")).socket.pause()
      yield* until("another one does not read", () => unread === 1)
      yield* until("the other one is sent away", () => unread === 0)
      for (const answer of later) answer()
      yield* until("it is answered", () => busy.received().endsWith("ok\n"))
      assert.isUndefined(busy.fault())
    }).pipe(Effect.scoped)
  )

  it.live("whoever waits for an answer is not sent away for those behind it, which are made already", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const { later, port, server } = yield* serve(scope, { linger: "1 second", end: "10 seconds", unreadTimeout: 50 })
      const busy = client(port, requestOf("/later") + request)
      yield* until("one waits", () => later.length === 1)
      let unread = 0
      server.on("connection", (socket: Socket) => {
        unread++
        socket.on("close", () => {
          unread--
        })
      })
      // Two of these after each other take longer than the one before has, if it has any time.
      for (let turn = 0; turn < 2; turn++) {
        client(port, requestOf("/much") + request).socket.pause()
        yield* until("another one does not read", () => unread === 1)
        yield* until("the other one is sent away", () => unread === 0)
      }
      for (const answer of later) answer()
      yield* until("both are answered", () => answers([busy])[0]?.match(/200/g)?.length === 2)
      assert.isUndefined(busy.fault())
    }).pipe(Effect.scoped)
  )

  it.live("a grace period that is longer than any timer of Node's cuts nobody at once", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { later, port } = yield* serve(scope, { linger: "100 millis", end: "30 days", unreadTimeout: 60_000 })
      const [idle, busy] = [client(port), client(port, requestOf("/later"))]
      yield* until("one is answered, and one waits", () => idle.received().endsWith("ok\n") && later.length === 1)
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      // Long after a timer that goes off at once.
      yield* until("the idle connection is closed", idle.closed)
      for (const answer of later) answer()
      yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      yield* until("all connections are closed", busy.closed)
      assert.deepStrictEqual(answers([busy]), ["HTTP/1.1 200 Connection: close"])
    }).pipe(Effect.scoped)
  )

  it.live("who sends more requests ahead than may wait in all is cut, and nobody else", () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const options = { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 } as const
      const { later, port, server } = yield* serve(scope, options)
      let seen = 0
      let over = 0
      server.on("request", (_, response) => {
        seen++
        response.on("close", () => over++)
      })
      const ahead = (times: number) => client(port, requestOf("/later").repeat(times))
      const countOf = ({ received }: Client) => received().match(/HTTP\/1\.1 200/g)?.length
      const first = ahead(6_000)
      yield* until("its requests wait", () => later.length === 6_000)
      const second = ahead(6_000)
      yield* until("the second is cut", second.closed)
      // The first request of a connection waits behind none; and none is read of the second after the one too many.
      assert.strictEqual(seen, Connections.maxBehind + 1 + 2)
      assert.strictEqual(second.received(), "")
      const third = client(port)
      yield* until("one who sends one request is answered", () => third.received().endsWith("ok\n"))
      for (const answer of later.splice(0)) answer()
      yield* until("the first has all its answers", () => countOf(first) === 6_000)
      yield* until("no answer is open", () => over === seen)
      // As many as may wait at all: nothing is counted any more of those before.
      const last = ahead(Connections.maxBehind + 1)
      yield* until("they all wait", () => later.length === Connections.maxBehind + 1)
      for (const answer of later) answer()
      yield* until("the last has all its answers", () => countOf(last) === Connections.maxBehind + 1)
    }).pipe(Effect.scoped)
  )

  for (const [name, alone] of [
    ["where no Host is named", "GET / HTTP/1.1\r\n\r\n"],
    ["to an expectation that is unknown", "GET / HTTP/1.1\r\nHost: edge\r\nExpect: cake\r\n\r\n"]
  ] as const) {
    it.live(`what Node answers by itself waits behind others too: ${name}`, () =>
      Effect.gen(function* () {
        const scope = yield* Effect.scope
        const options = { linger: "1 second", end: "10 seconds", unreadTimeout: 60_000 } as const
        const { later, port } = yield* serve(scope, options)
        // Node reads on until much waits to be written, and what it has read then it has answered: what it reads at once.
        const most = Math.floor(65_536 / alone.length) - 10
        const clients: Array<Client> = []
        while ((clients.length + 1) * most < Connections.maxBehind) {
          clients.push(client(port, requestOf("/later") + alone.repeat(most)))
          yield* until("one waits", () => later.length === clients.length)
        }
        assert.isTrue(clients.every(({ closed }) => !closed()))
        const last = client(port, requestOf("/later") + alone.repeat(most))
        yield* until("who sends too many is cut", last.closed)
        assert.isTrue(clients.every(({ closed }) => !closed()))
        for (const answer of later) answer()
        yield* until("the others are answered", () => clients.every(({ received }) => received().includes("ok\n")))
        for (const { socket } of clients) socket.destroy()
      }).pipe(Effect.scoped)
    )
  }

  it.live(
    "whoever makes an answer is told that its client has gone, and it is counted no more, behind a CONNECT too",
    () =>
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
          yield* until("its requests wait, or it is sent away", () => open === times || leaving.closed())
          leaving.socket.destroy()
          yield* until(`no answer is open after ${end}`, () => open === 0)
        }
        later.splice(0)
        const last = client(port, requestOf("/later").repeat(Connections.maxBehind + 1))
        yield* until("as many wait as may", () => later.length === Connections.maxBehind + 1)
        last.socket.destroy()
        yield* until("no answer is open at the end", () => open === 0)
      }).pipe(Effect.scoped)
  )
})
