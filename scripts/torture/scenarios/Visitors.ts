/**
 * Visitors who are slow, disconnect early, or send incomplete requests: their resources are released.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect, type Scope } from "effect"
import * as Process from "../../../test/support/Process.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Cluster from "../Cluster.ts"
import type { Target } from "../Load.ts"
import * as Raw from "../Raw.ts"
import * as Store from "../Store.ts"
import { type Figures, rounded } from "./Figures.ts"

export interface Options {
  readonly port: number
  readonly target: Target
}

const lines = (...all: ReadonlyArray<string>) => `${all.join("\r\n")}\r\n`

const view = ({ trackingToken }: Target, path = "/visitor") =>
  JSON.stringify({ site_id: trackingToken, page_path: path })

const trackHead = (length: number, ...more: ReadonlyArray<string>) =>
  lines(
    "POST /v1/public/analytics/track HTTP/1.1",
    "Host: edge",
    "User-Agent: Mozilla/5.0 Firefox/143.0",
    "Content-Type: application/json",
    `Content-Length: ${length}`,
    ...more,
    ""
  )

const chatRequest = ({ instanceId, widgetToken }: Target, message: string) => {
  const body = JSON.stringify({ message })
  return (
    lines(
      `POST /v1/public/widget/${instanceId}/chat HTTP/1.1`,
      "Host: edge",
      "Content-Type: application/json",
      `X-Widget-Token: ${widgetToken}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ""
    ) + body
  )
}

type Visitor = (options: Options) => Effect.Effect<void, never, Scope.Scope>

/** Starts a chat whose answer does not end, and waits until it has begun. On a busy machine, the agent's time-out may come first. */
const beginAnswer = ({ port, target }: Options): Effect.Effect<Raw.Raw, never, Scope.Scope> =>
  Effect.gen(function* () {
    const raw = yield* Raw.open(port)
    raw.write(chatRequest(target, "endless"))
    const isRefused = () => Raw.statuses(raw.received()).includes(504)
    yield* until(
      () => `the answer has begun; received: ${raw.received().slice(0, 300)}`,
      () => raw.received().includes("text-delta") || isRefused()
    )
    return isRefused() ? yield* beginAnswer({ port, target }) : raw
  })

/** Waits until the server has disconnected a visitor. Returns the statuses that the visitor got. */
const awaitDisconnect = (name: string, raw: Raw.Raw, within: number) =>
  Effect.map(until(`${name} is disconnected`, raw.closed, within), () => Raw.statuses(raw.received()))

/** Visitors that the server's timeouts disconnect. `within` is in milliseconds. */
export const slow = (within: number): Readonly<Record<string, Visitor>> => ({
  "sends nothing": ({ port }) =>
    Effect.flatMap(Raw.open(port), (raw) => awaitDisconnect("a silent visitor", raw, within)),
  "sends its head byte by byte": ({ port }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      const drip = setInterval(() => raw.write("a"), 20)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(drip)))
      raw.write("POST /v1/public/analytics/track HTTP/1.1\r\nHost: edge\r\nX-A: ")
      assert.deepEqual(yield* awaitDisconnect("a slow head", raw, within), [408])
    }),
  "sends its body byte by byte": ({ port }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      const drip = setInterval(() => raw.write(" "), 20)
      yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(drip)))
      raw.write(trackHead(200_000))
      yield* awaitDisconnect("a slow body", raw, within)
    }),
  "sends half a body and waits": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(view(target).length) + view(target).slice(0, 20))
      yield* awaitDisconnect("half a body", raw, within)
    }),
  "asks for an upgrade and sends half a body": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(view(target).length, "Connection: Upgrade", "Upgrade: other/1") + view(target).slice(0, 20))
      yield* awaitDisconnect("an upgrade with half a body", raw, within)
    })
})

/** Visitors that disconnect themselves or behave unusually. */
export const quick: Readonly<Record<string, Visitor>> = {
  "leaves in the middle of its head": ({ port }) =>
    Effect.map(Raw.open(port), (raw) => raw.write("POST /v1/public/analytics/track HTTP/1.1\r\nHost: ed")),
  "leaves in the middle of its body": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(view(target).length) + view(target).slice(0, 20))
      yield* pause(30)
    }),
  "leaves before it has an answer": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(view(target).length) + view(target))
    }),
  // Node treats a half-closed connection as a disconnect; the response may or may not be sent first.
  "ends its half of the connection before it has an answer": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.socket.end(trackHead(view(target).length) + view(target))
      yield* until("the connection is closed", raw.closed)
    }),
  "leaves before the first token": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(chatRequest(target, "silence"))
      yield* pause(50)
    }),
  "leaves in the middle of an answer": (options) => Effect.asVoid(beginAnswer(options)),
  "does not read an endless answer": (options) =>
    Effect.gen(function* () {
      const raw = yield* beginAnswer(options)
      raw.socket.pause()
      yield* pause(100)
    }),
  "pipelines twenty views": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write((trackHead(view(target).length) + view(target)).repeat(20))
      yield* until("all are answered", () => Raw.statuses(raw.received()).length === 20)
      assert.deepEqual(new Set(Raw.statuses(raw.received())), new Set([204]))
    }),
  "pipelines a thousand views and leaves": ({ port, target }) =>
    Effect.map(Raw.open(port), (raw) => raw.write((trackHead(view(target).length) + view(target)).repeat(1000))),
  "expects 100-continue": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(view(target).length, "Expect: 100-continue"))
      yield* until("the visitor may continue", () => Raw.statuses(raw.received()).includes(100))
      raw.write(view(target))
      yield* until("the view is answered", () => Raw.statuses(raw.received()).includes(204))
    }),
  "expects 100-continue for too large a body": ({ port }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(10_000_000, "Expect: 100-continue"))
      yield* until("the request is refused", () => Raw.statuses(raw.received()).length > 0)
      assert.deepEqual(Raw.statuses(raw.received()), [413])
    }),
  "expects 100-continue and leaves": ({ port, target }) =>
    Effect.map(Raw.open(port), (raw) => raw.write(trackHead(view(target).length, "Expect: 100-continue"))),
  "expects something else": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(view(target).length, "Expect: the unexpected") + view(target))
      yield* until("the request is refused", () => Raw.statuses(raw.received()).includes(417))
    }),
  "sends a body that is far too large": ({ port }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(50_000_000) + " ".repeat(1_000_000))
      yield* until("the request is refused", () => Raw.statuses(raw.received()).includes(413))
    }),
  "sends chunks that are far too large together": ({ port }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(trackHead(0).replace("Content-Length: 0", "Transfer-Encoding: chunked"))
      raw.write(`10000\r\n${" ".repeat(65_536)}\r\n`.repeat(16))
      yield* until("the request is refused", () => Raw.statuses(raw.received()).includes(413))
    }),
  "asks for a WebSocket": ({ port, target }) =>
    Effect.gen(function* () {
      const raw = yield* Raw.open(port)
      raw.write(
        trackHead(view(target).length, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13") +
          view(target)
      )
      yield* until("the view is answered without an upgrade", () => Raw.statuses(raw.received()).includes(204))
    })
}

/** The quick visitors who chat. */
export const chatting = [
  "leaves before the first token",
  "leaves in the middle of an answer",
  "does not read an endless answer"
] as const satisfies ReadonlyArray<keyof typeof quick>

/** Slow visitors of every kind at once, on a service with its real timeouts: all descriptors are released. */
export const slowVisitors = Effect.fnUntraced(function* (options: { readonly perKind: number }) {
  const cluster = yield* Cluster.make()
  const target = yield* Store.prepare(cluster.url)
  const service = yield* Process.start("serve", { DATABASE_URL: cluster.url })
  const before = service.gauge()
  const kinds = Object.values(slow(60_000))
  let maxHandles = 0
  const watch = setInterval(() => {
    maxHandles = Math.max(maxHandles, service.gauge()?.handles ?? 0)
  }, 200)
  yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(watch)))
  const startedAt = performance.now()
  yield* Effect.forEach(
    kinds.flatMap((visitor) => Array.from({ length: options.perKind }, () => visitor)),
    (visitor) => Effect.scoped(visitor({ port: service.port, target })),
    { concurrency: "unbounded", discard: true }
  )
  const longest = performance.now() - startedAt
  yield* until("descriptors are released", () => (service.gauge()?.handles ?? 0) <= (before?.handles ?? 0) + 4)
  return {
    visitors: kinds.length * options.perKind,
    "handles before": before?.handles ?? 0,
    "at most": maxHandles,
    "handles after": service.gauge()?.handles ?? 0,
    "last disconnected after ms": rounded(longest)
  } satisfies Figures
}, Effect.scoped)
