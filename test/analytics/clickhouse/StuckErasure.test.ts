import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as SeparateStore from "../../../src/analytics/clickhouse/SeparateStore.ts"
import * as ErrorMessages from "../../../src/cli/support/ErrorMessages.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"

describe("analytics/clickhouse/SeparateStore", () => {
  it.effect("the error of a deletion that fails on the server names ClickHouse, not the database", () =>
    Effect.gen(function* () {
      const error = yield* SeparateStore.erase("0f8fad5b-d9cb-469f-a165-70867728950e", "5 seconds").pipe(
        Effect.provideService(ClickHouse, {
          query: (statement) =>
            Effect.succeed(statement.includes("mutations") ? [{ running: 1, failure: "NOT_ENOUGH_SPACE" }] : []),
          command: () => Effect.void,
          insert: () => Effect.void
        }),
        Effect.flip
      )
      assert.include(ErrorMessages.of(error), "ClickHouse cannot be used (NOT_ENOUGH_SPACE).")
    })
  )
})
