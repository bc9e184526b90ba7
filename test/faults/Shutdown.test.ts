import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Nginx from "../torture/Nginx.ts"
import * as Raw from "../torture/Raw.ts"
import * as Shutdown from "../torture/scenarios/Shutdown.ts"
import { pause, until } from "../torture/Wait.ts"
import * as InProcess from "./InProcess.ts"

/** Tests that need nginx. Where there is none they are skipped, and the name says what to install; in CI they fail. */
const withNginx = (name: string, test: () => Effect.Effect<void>): void => {
  const missing = "needs nginx: apt-get install nginx-light, brew install nginx"
  if (Nginx.executable !== undefined) it.live(name, test, 120_000)
  else if (process.env["CI"] === "true") it(name, () => Promise.reject(new Error(missing)))
  else it.skip(`${name} (${missing})`, () => {})
}

describe("faults: shutdown", () => {
  it.live(
    "SIGTERM under load leaves no accepted request unanswered, ends streams properly, and exits with 0",
    () =>
      Effect.map(Shutdown.sigterm({ rounds: 1, grace: 1_500 }), (figures) => {
        assert.isBelow(figures["longest end ms"], 6_500)
      }),
    120_000
  )

  withNginx("a rolling restart behind nginx fails no request", () =>
    Effect.map(Shutdown.rolling({ rounds: 1 }), (figures) => {
      assert.strictEqual(figures.requests, figures.rows)
    })
  )

  const head = (path: string, length: number) =>
    `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`

  it.live(
    "a request on a kept-alive connection is answered after the server stopped listening, and told that it was the last",
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
        yield* until("it does not listen", () =>
          fetch(`${service.url}/healthz`).then(
            () => false,
            () => true
          )
        )
        // Two at once: the answer to the first must not close the connection before the second is answered.
        kept.write(view + view)
        begun.write(view.slice(30))
        yield* until("both are answered", () => Raw.statuses(kept.received()).length === 3)
        yield* until("and who had begun is", () => Raw.statuses(begun.received()).length === 1)
        assert.deepStrictEqual(Raw.statuses(kept.received()), [204, 204, 204])
        assert.match(begun.received(), /^connection: close/im)
        yield* until("the connections are closed", () => kept.closed() && begun.closed())
        yield* until("the server has ended", () => closing.pollUnsafe() !== undefined)
      }).pipe(Effect.scoped)
  )

  it.live("whoever has sent half a request holds up the end for no longer than the grace period", () =>
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
      yield* until("they are closed", () => half.closed() && silent.closed())
    }).pipe(Effect.scoped)
  )
})
