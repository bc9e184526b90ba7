/**
 * The limits on connections, in total and per address.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Option, type Scope, Stream } from "effect"
import { IpNetwork } from "effect/net"
import * as Raw from "../../../scripts/torture/Raw.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

/** Starts the service; returns its log, its metric of limited connections, and a function that connects to it. */
const serve = Effect.fnUntraced(function* (
  options: Parameters<typeof TestServer.layer>[0],
  agent?: Parameters<typeof TestServer.layer>[1]
) {
  const metrics = TestMetrics.make()
  const lines: Array<string> = []
  const logs = Logger.layer([
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`))
  ])
  const context = yield* Layer.build(TestServer.layer(options, agent).pipe(Layer.provide([metrics.layer, logs])))
  const server = yield* Effect.provide(TestServer.TestServer, context)
  const port = Number(new URL(server.url).port)
  return {
    server,
    lines,
    limited: (bound: "address" | "process" | "exclusion", outcome: "closed" | "refused") =>
      metrics.value(`connections_limited_total{bound="${bound}",outcome="${outcome}"}`),
    open: Raw.open(port)
  }
})

const perAddress = (limit: number) => ({ connections: { total: 100, perAddress: Option.some(limit) } })

const request = "HEAD /healthz HTTP/1.1\r\nHost: edge\r\n\r\n"

/** Sends a request and waits for the response. */
const ask = Effect.fnUntraced(function* (connection: Raw.Raw) {
  const answered = Raw.statuses(connection.received()).length
  connection.write(request)
  yield* until("the request is answered", () => Raw.statuses(connection.received()).length === answered + 1)
})

/** Opens a connection, sends a request and waits for the response. */
const openAndAsk = (open: Effect.Effect<Raw.Raw, never, Scope.Scope>) => Effect.tap(open, ask)

describe("platform/http/Connections: limits", () => {
  it.live("over the limit of an address, the connection that has been idle for the longest time is closed", () =>
    Effect.gen(function* () {
      const { limited, lines, open } = yield* serve(perAddress(3))
      const [a, b, c] = [yield* openAndAsk(open), yield* openAndAsk(open), yield* openAndAsk(open)]
      // Now `b` has been idle for the longest time.
      yield* ask(a)
      const d = yield* openAndAsk(open)
      yield* until("the longest idle connection is closed", b.closed)
      for (const connection of [a, c, d]) yield* ask(connection)
      assert.deepStrictEqual([a.closed(), c.closed(), d.closed()], [false, false, false])
      assert.deepStrictEqual([limited("address", "closed"), limited("address", "refused")], [1, 0])
      yield* until("the limit is logged", () => lines.length > 0)
      for (let more = 0; more < 5; more++) yield* openAndAsk(open)
      assert.strictEqual(lines.length, 1)
      assert.match(
        lines[0]!,
        /^Warn .*An address reached its limit of 3 connections: 1 idle ones were closed, 0 new ones refused\./
      )
      assert.notInclude(lines[0]!, "127.0.0.1")
    }).pipe(Effect.scoped)
  )

  it.live("a connection with an open request is never closed for another: the new one is refused", () =>
    Effect.gen(function* () {
      const { limited, open, server } = yield* serve(perAddress(2), () =>
        Stream.concat(Stream.succeed({ _tag: "Accepted" } as const), Stream.never)
      )
      const body = JSON.stringify({ message: "hello" })
      const chat = [
        `POST ${TestServer.paths.chat(server.instance.instance_id)} HTTP/1.1`,
        "Host: edge",
        "Content-Type: application/json",
        `X-Widget-Token: ${server.widgetToken}`,
        `Content-Length: ${body.length}`,
        "",
        body
      ].join("\r\n")
      const streams = [yield* open, yield* open]
      for (const stream of streams) {
        stream.write(chat)
        yield* until("the chat streams", () => Raw.statuses(stream.received())[0] === 200)
      }
      const refused = yield* open
      yield* until("the new one is refused", refused.closed)
      assert.isFalse(streams.some(({ closed }) => closed()))
      assert.deepStrictEqual([limited("address", "closed"), limited("address", "refused")], [0, 1])
      streams[0]!.socket.destroy()
      // The server may accept the next connection before it sees the end of this one.
      yield* until("a new one is answered", () =>
        Effect.runPromise(
          Effect.gen(function* () {
            const next = yield* open
            next.write(request)
            yield* until("the new connection is answered or refused", () => next.received() !== "" || next.closed())
            return Raw.statuses(next.received())[0] === 200
          }).pipe(Effect.scoped)
        )
      )
    }).pipe(Effect.scoped)
  )

  it.live("the exclusion of an address is counted and logged, without the address", () =>
    Effect.gen(function* () {
      const { limited, lines, open } = yield* serve(perAddress(10))
      yield* openAndAsk(open)
      const pipelining = yield* open
      pipelining.write(request.repeat(50))
      yield* until("its connection is closed", pipelining.closed)
      const refused = yield* open
      yield* until("a new one is refused", refused.closed)
      assert.deepStrictEqual([limited("exclusion", "closed"), limited("exclusion", "refused")], [1, 1])
      yield* until("the exclusion is logged", () => lines.length > 0)
      assert.match(lines[0]!, /^Warn .*An address was excluded.* closed, 1 new ones refused\. .*TRUSTED_PROXIES/)
      assert.notInclude(lines[0]!, "127.0.0.1")
    }).pipe(Effect.scoped)
  )

  it.live("the limit per address does not apply to a trusted proxy", () =>
    Effect.gen(function* () {
      const trustedProxies = [IpNetwork.fromStringUnsafe("127.0.0.0/8")]
      const { limited, open } = yield* serve({ ...perAddress(1), trustedProxies })
      const connections = [yield* openAndAsk(open), yield* openAndAsk(open), yield* openAndAsk(open)]
      for (const connection of connections) yield* ask(connection)
      assert.deepStrictEqual([limited("address", "closed"), limited("address", "refused")], [0, 0])
    }).pipe(Effect.scoped)
  )

  it.live("over the limit of the process, the connection that has been idle for the longest time is closed", () =>
    Effect.gen(function* () {
      const { limited, lines, open } = yield* serve({ connections: { total: 3, perAddress: Option.none() } })
      const [a, b, c] = [yield* openAndAsk(open), yield* openAndAsk(open), yield* openAndAsk(open)]
      const d = yield* openAndAsk(open)
      yield* until("the oldest is closed", a.closed)
      for (const connection of [b, c, d]) yield* ask(connection)
      assert.deepStrictEqual([limited("process", "closed"), limited("process", "refused")], [1, 0])
      yield* until("the limit is logged", () =>
        lines.some((line) => line.includes("The process reached its limit of 3 connections"))
      )
    }).pipe(Effect.scoped)
  )
})
