import { Agent } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Raw from "../../scripts/torture/Raw.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as Shutdown from "../../scripts/torture/scenarios/Shutdown.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as InProcess from "../support/InProcessService.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as Upstream from "../support/TestUpstream.ts"
import { pause, until } from "../support/Wait.ts"

/** A service in this process. Its `output` is the names of Node's warnings. */
const here = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>>) {
  const warnings: Array<string> = []
  const keep = ({ name }: Error) => void warnings.push(name)
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("warning", keep)),
    () => Effect.sync(() => process.off("warning", keep))
  )
  return { ...(yield* InProcessServe.start(environment)), output: () => warnings.join() }
})

describe("faults: shutdown", () => {
  for (const how of ["in one process", "with a worker"] as const) {
    it.live(
      `durations of a month, beyond Node's longest timer, do not expire at once (${how})`,
      () =>
        Effect.gen(function* () {
          const DATABASE_URL = yield* TestDatabase.url
          let finish = () => {}
          const upstream = yield* Upstream.start((_, response) => {
            response.writeHead(200, Upstream.sse)
            response.write(Upstream.says("Well"))
            finish = () => void response.end(Upstream.finishes("stop"))
          })
          const target = yield* Store.prepare(DATABASE_URL, upstream.url)
          const month = "30 days"
          const environment = {
            DATABASE_URL,
            DATABASE_TIMEOUT: month,
            AGENT_TIMEOUT: month,
            CHAT_MAX_DURATION: month,
            SHUTDOWN_GRACE: month
          }
          const service = yield* how === "in one process"
            ? here(environment)
            : Process.serve(environment, ["--workers", "1"])
          const view = JSON.stringify({ site_id: target.trackingToken, page_path: "/" })
          const { status } = yield* Effect.promise(() =>
            Load.post(new Agent({ keepAlive: false }), `${service.url}/v1/public/analytics/track`, view)
          )
          assert.strictEqual(status, 204)
          const stream = Shutdown.chat(service.url, target, "hello")
          yield* until("the stream has begun", () => stream.text().includes("Well"))
          const ending = yield* Effect.forkChild(service.end)
          yield* until("nobody listens", () =>
            fetch(`${service.url}/healthz`).then(
              () => false,
              () => true
            )
          )
          assert.isUndefined(ending.pollUnsafe())
          finish()
          yield* stream.ended
          assert.match(stream.text(), /"finishReason":"stop"/)
          yield* Fiber.join(ending)
          // Node's warning about such a timer.
          assert.notInclude(service.output(), "TimeoutOverflowWarning")
        }).pipe(Effect.scoped),
      120_000
    )
  }

  const head = (path: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

  it.live(
    "requests on open connections are answered after the server stopped listening, and the connections are then closed",
    () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const service = yield* InProcess.start({ environment: { SHUTDOWN_GRACE: "5 seconds" } }).pipe(
          Scope.provide(scope)
        )
        const body = JSON.stringify({ site_id: service.target.trackingToken, page_path: "/" })
        const view = head("/v1/public/analytics/track", body.length) + body
        const kept = yield* Raw.open(service.port)
        const begun = yield* Raw.open(service.port)
        kept.write(view)
        yield* until("the first is answered", () => Raw.statuses(kept.received()).length === 1)
        assert.notMatch(kept.received(), /^connection: close/im)
        begun.write(view.slice(0, 30))
        yield* pause(20)
        const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* until("the service does not listen", () =>
          fetch(`${service.url}/healthz`).then(
            () => false,
            () => true
          )
        )
        // Two at once: the answer to the first must not close the connection before the second is answered.
        kept.write(view + view)
        begun.write(view.slice(30))
        yield* until("both are answered", () => Raw.statuses(kept.received()).length === 3)
        yield* until("the request that had begun is answered", () => Raw.statuses(begun.received()).length === 1)
        assert.deepStrictEqual(Raw.statuses(kept.received()), [204, 204, 204])
        assert.match(begun.received(), /^connection: close/im)
        yield* until("the connections are closed", () => kept.closed() && begun.closed())
        yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      }).pipe(Effect.scoped)
  )

  it.live("a visitor who disconnects during the shutdown causes no agent error and does not delay the end", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const service = yield* InProcess.start({
        environment: { SHUTDOWN_GRACE: "30 seconds" },
        respond: (_, response) => {
          response.writeHead(200, Upstream.sse)
          response.write(Upstream.says("Well"))
        }
      }).pipe(Scope.provide(scope))
      const visitor = yield* Raw.open(service.port)
      const { instanceId, widgetToken } = service.target
      const body = JSON.stringify({ message: "hello" })
      const chat = head(`/v1/public/widget/${instanceId}/chat`, body.length)
      visitor.write(`${chat.slice(0, -2)}X-Widget-Token: ${widgetToken}\r\n\r\n${body}`)
      yield* until("the agent has spoken", () => visitor.received().includes("Well"))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* until("the service does not listen", () =>
        fetch(`${service.url}/healthz`).then(
          () => false,
          () => true
        )
      )
      visitor.socket.destroy()
      yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      assert.strictEqual(service.log(), "")
    }).pipe(Effect.scoped)
  )

  it.live("half a request delays the shutdown for no longer than the grace period", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const service = yield* InProcess.start({ environment: { SHUTDOWN_GRACE: "300 millis" } }).pipe(
        Scope.provide(scope)
      )
      const half = yield* Raw.open(service.port)
      const silent = yield* Raw.open(service.port)
      half.write("POST /v1/public/analytics/track HTTP/1.1\r\nHost: ed")
      yield* pause(20)
      yield* Scope.close(scope, Exit.void)
      yield* until("both connections are closed", () => half.closed() && silent.closed())
    }).pipe(Effect.scoped)
  )
})
