import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import * as ErrorResponses from "../../src/platform/http/ErrorResponses.ts"
import { RecordRefused, StorageUnavailable } from "../../src/platform/Storage.ts"
import * as ErrorMapping from "../../src/sites/ErrorMapping.ts"

/** The log message and annotations of an error. */
const logged = Effect.fnUntraced(function* (error: StorageUnavailable | RecordRefused) {
  const lines: Array<string> = []
  const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
  yield* Effect.provide(ErrorMapping.ofStorage(error, {}), Logger.layer([logger]))
  assert.lengthOf(lines, 1)
  const { annotations, message } = JSON.parse(lines[0] ?? "")
  return [message, annotations]
})

describe("sites/ErrorMapping", () => {
  it.effect("a storage error is one log message without empty annotations", () =>
    Effect.gen(function* () {
      const timeout = "The database did not answer in time. Check that it runs; see hydracore doctor."
      for (const [error, message, notes] of [
        [new StorageUnavailable({ reason: "timeout" }), timeout, { reason: "timeout" }],
        [
          new StorageUnavailable({ reason: "unreachable", code: "53300", cause: new Error("secret") }),
          "The database cannot be used (53300). See hydracore doctor.",
          { reason: "unreachable", code: "53300" }
        ],
        [
          new StorageUnavailable({ reason: "timeout", cause: new StorageUnavailable({ reason: "timeout" }) }),
          timeout,
          { reason: "timeout", cause: "StorageUnavailable" }
        ],
        [new RecordRefused({}), "The store refused a record; the request got a 422", {}],
        [
          new RecordRefused({ code: "22P05", cause: new Error("secret") }),
          "The store refused a record; the request got a 422",
          { code: "22P05" }
        ]
      ] as const) {
        assert.deepStrictEqual(yield* logged(error), [message, notes])
      }
    })
  )

  it.effect("a website deleted after the lookup is answered like an unknown one and not logged", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.map(Logger.formatJson, (line) => void lines.push(line))
      const answer = yield* Effect.provide(
        ErrorMapping.ofStorage(new RecordRefused({ reason: "unknown-site" }), { ratelimit: "r" }),
        Logger.layer([logger])
      )
      const unknown = ErrorResponses.unknownSite({ ratelimit: "r" })
      assert.deepStrictEqual([answer.status, answer.body], [404, unknown.body])
      assert.deepStrictEqual({ ...answer.headers }, { ...unknown.headers, "x-hydracore-decision": "unknown-site" })
      assert.deepStrictEqual(lines, [])
    })
  )
})
