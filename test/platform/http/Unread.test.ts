/**
 * The resources of clients that do not read their responses are released.
 */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Option, Stream } from "effect"
import * as Raw from "../../../scripts/torture/Raw.ts"
import type * as ScriptedAgent from "../../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import * as Connections from "../../../src/platform/http/Connections.ts"
import { paths, TestServer, layer as testServer } from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

const accepted: AgentEvent = { _tag: "Accepted" }
const text = (length: number): AgentEvent => ({ _tag: "Text", delta: "x".repeat(length) })

/** More than the system's buffers for a connection. */
const much = 16 * 2 ** 20

const script: ScriptedAgent.Script = ({ message }) => {
  if (message === "a word") return Stream.make(accepted, text(1), { _tag: "Finish", reason: "stop" } as const)
  if (message === "at once") return Stream.make(accepted, text(much), { _tag: "Finish", reason: "stop" } as const)
  return Stream.concat(Stream.make(accepted), Stream.forever(Stream.make(text(8192))))
}

/** The bytes of a chat request. */
const request = (path: string, token: string, message: string): string => {
  const body = JSON.stringify({ message })
  return [
    `POST ${path} HTTP/1.1`,
    "Host: edge",
    "Content-Type: application/json",
    `X-Widget-Token: ${token}`,
    `Content-Length: ${body.length}`,
    "",
    body
  ].join("\r\n")
}

/** In milliseconds: so long that a busy machine sees the states before it. */
const unreadTimeout = 1_000

const streams = { perAddress: Option.none(), perInstance: Option.some(1) }

for (const [name, chatMaxDuration] of [
  ["a minute", Duration.minutes(1)],
  ["100 ms", Duration.millis(100)]
] as const) {
  layer(
    testServer({ chatStreams: streams, chatMaxBytes: 2 * much, chatMaxDuration, limits: { unreadTimeout } }, script),
    { excludeTestServices: true }
  )(`http: chats that are not read, with a maximum duration of ${name}`, (it) => {
    for (const [way, query] of [
      ["on the fast path", ""],
      ["through the router", "?x"]
    ] as const) {
      for (const message of ["at once", "endlessly"]) {
        it.effect(`free their slot ${way}, when the agent sends its text ${message}`, () =>
          Effect.gen(function* () {
            const { instance, send, url, widgetToken } = yield* TestServer
            const path = paths.chat(instance.instance_id) + query
            const headers = { "x-widget-token": widgetToken }
            const ask = Effect.map(send(path, { message: "a word" }, { headers }), ({ status }) => status)
            yield* until("the slot is free", () => Effect.runPromise(Effect.map(ask, (status) => status === 200)))
            const { socket, write } = yield* Raw.open(Number(new URL(url).port))
            socket.pause()
            write(request(path, widgetToken, message))
            yield* until("the unread chat holds the slot", () =>
              Effect.runPromise(Effect.map(ask, (status) => status === 429))
            )
            yield* until("the slot is free again", () => Effect.runPromise(Effect.map(ask, (status) => status === 200)))
          }).pipe(Effect.scoped)
        )
      }
    }
  })
}

layer(
  testServer(
    {
      chatStreams: { ...streams, perInstance: Option.some(2) },
      chatMaxBytes: 2 * much,
      limits: { unreadTimeout }
    },
    script
  ),
  { excludeTestServices: true }
)("http: a chat pipelined behind an unread one", (it) => {
  it.effect("ends when the unread chat ends", () =>
    Effect.gen(function* () {
      const { instance, send, url, widgetToken } = yield* TestServer
      const path = paths.chat(instance.instance_id)
      const ask = Effect.map(
        send(path, { message: "a word" }, { headers: { "x-widget-token": widgetToken } }),
        ({ status }) => status
      )
      const { socket, write } = yield* Raw.open(Number(new URL(url).port))
      socket.pause()
      write(request(path, widgetToken, "endlessly").repeat(2))
      yield* until("the two chats hold both slots", () =>
        Effect.runPromise(Effect.map(ask, (status) => status === 429))
      )
      yield* until("the slots are free", () => Effect.runPromise(Effect.map(ask, (status) => status === 200)))
    }).pipe(Effect.scoped)
  )
})

layer(testServer({ limits: { unreadTimeout } }), { excludeTestServices: true })("http: unread pages", (it) => {
  it.effect("the connection of a client that reads no response is closed, and an idle one is not", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const port = Number(new URL(url).port)
      const idle = yield* Raw.open(port)
      const head = "HEAD /openapi.json HTTP/1.1\r\nHost: edge\r\n\r\n"
      const page = "GET /openapi.json HTTP/1.1\r\nHost: edge\r\n\r\n"
      idle.write(head)
      yield* until("the idle connection is answered", () => Raw.statuses(idle.received()).length === 1)
      const unread = yield* Raw.open(port)
      unread.socket.pause()
      // As many as a connection may pipeline: with more, it would be closed for that.
      unread.write(page.repeat(Connections.maxPipelined))
      yield* until("the unread one is closed", () => {
        // A paused socket notices the close only when it writes. The server does not read this.
        unread.write("\r\n")
        return unread.closed()
      })
      idle.write(head)
      yield* until("the idle connection is answered again", () => Raw.statuses(idle.received()).length === 2)
      assert.isFalse(idle.closed())
    }).pipe(Effect.scoped)
  )
})
