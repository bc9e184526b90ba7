import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { NotReady, Readiness } from "../../src/server/Readiness.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"

const refused = Layer.succeed(
  Readiness,
  Readiness.of({ check: Effect.fail(new NotReady({ reason: "database-unreachable", code: "28P01" })) })
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(refused, storage)),
  { excludeTestServices: true }
)("GET /readyz", (it) => {
  it.effect("/readyz says that the database is unreachable, without revealing the error", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      const answer = yield* send("/readyz", undefined, { method: "GET" })
      assert.strictEqual(answer.status, 503)
      assert.include(answer.text, "The database does not answer")
      assert.notMatch(answer.text, /28P01|password/)
    })
  )
})
