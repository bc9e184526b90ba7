/** `DRAIN_DELAY`: after SIGTERM the service is not ready, and still accepts and answers new connections. */
import { Agent } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"

/** A GET over a connection of its own. */
const get = (url: string) =>
  Effect.promise(() =>
    fetch(url, { headers: { connection: "close" } }).then(async (response) => ({
      status: response.status,
      body: await response.text()
    }))
  )

describe("faults: draining", () => {
  for (const flags of [[], ["--workers", "2"]]) {
    it.live(`serve ${flags.join(" ")}`, () =>
      Effect.gen(function* () {
        const DATABASE_URL = yield* TestDatabase.url
        const target = yield* Store.prepare(DATABASE_URL, "http://127.0.0.1:9")
        const service = yield* Process.start("serve", { DATABASE_URL, DRAIN_DELAY: "3 seconds" }, flags)
        assert.strictEqual((yield* get(`${service.url}/readyz`)).status, 200)
        yield* service.signal("SIGTERM")
        const ready = yield* until("the service is not ready", async () => {
          const answer = await Effect.runPromise(get(`${service.url}/readyz`))
          return answer.status === 503 ? answer : undefined
        })
        assert.include(ready.body, "shutting down")
        // With workers, each of them answers some of these.
        const others = yield* Effect.all(Array.from({ length: 6 }, () => get(`${service.url}/readyz`)))
        for (const { status } of others) assert.strictEqual(status, 503)
        assert.strictEqual((yield* get(`${service.url}/healthz`)).status, 200)
        const view = yield* Effect.promise(() =>
          Load.post(
            new Agent({ keepAlive: false }),
            `${service.url}/v1/public/analytics/track`,
            JSON.stringify({ site_id: target.trackingToken, page_path: "/" })
          )
        )
        assert.strictEqual(view.status, 204)
        assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
        const output = service.output()
        const steps = ["Shutting down: not ready", "Shutting down: no new connections"]
        const [unready = -1, closed = -1] = steps.map((step) => output.indexOf(step))
        assert.isAtLeast(unready, 0)
        assert.isAbove(closed, unready)
      }).pipe(Effect.scoped)
    )
  }
})
