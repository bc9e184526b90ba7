/**
 * `DRAIN_DELAY`: after SIGTERM the service is not ready, and still accepts and answers new connections.
 *
 * Imports nothing of `src`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as Command from "./Command.ts"

/** A request over a connection of its own. */
const send = async (url: string, body?: object) => {
  const response = await fetch(url, {
    headers: { connection: "close", "content-type": "application/json" },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) })
  })
  return { status: response.status, body: await response.text() }
}

describe("draining", () => {
  for (const flags of [[], ["--workers", "2"]]) {
    it.live(`serve ${flags.join(" ")}`, () =>
      Effect.gen(function* () {
        const DATABASE_URL = yield* TestDatabase.url
        const site = yield* Command.json(["site", "create", "--name", "Shop"], { DATABASE_URL })
        const service = yield* Process.start("serve", { DATABASE_URL, DRAIN_DELAY: "3 seconds" }, flags)
        const answerOf = (path: string, body?: object) => Effect.promise(() => send(service.url + path, body))
        assert.strictEqual((yield* answerOf("/readyz")).status, 200)
        yield* service.signal("SIGTERM")
        const unready = yield* until("the service is not ready", async () => {
          const answer = await send(`${service.url}/readyz`)
          return answer.status === 503 && answer
        })
        assert.include(unready.body, "shutting down")
        // With workers, each of them answers some of these.
        const others = yield* Effect.all(Array.from({ length: 6 }, () => answerOf("/readyz")))
        for (const { status } of others) assert.strictEqual(status, 503)
        assert.strictEqual((yield* answerOf("/healthz")).status, 200)
        const view = yield* answerOf("/v1/public/analytics/track", { site_id: site["tracking_token"], page_path: "/" })
        assert.strictEqual(view.status, 204)
        assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
        const output = service.output()
        const [notReady = -1, closed = -1] = ["Shutting down: not ready", "Shutting down: no new connections"].map(
          (step) => output.indexOf(step)
        )
        assert.isAtLeast(notReady, 0)
        assert.isAbove(closed, notReady)
      }).pipe(Effect.scoped)
    )
  }
})
