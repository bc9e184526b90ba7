/** The HTTP form of reports that fail. */
import { assert, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { ReportTimeout, ReportTooLarge } from "../../../src/platform/Storage.ts"
import * as Errors from "../../../src/sites/access/Errors.ts"

it.effect(
  "sites/access/Errors: a report that is too large is a 422 about its dimensions, and one that takes too long a 504",
  () =>
    Effect.gen(function* () {
      const tooLarge = yield* Schema.encodeEffect(Errors.ValidationFailed)(new ReportTooLarge({ limit: "100000 rows" }))
      assert.deepStrictEqual(tooLarge.body, {
        detail: [
          {
            loc: ["body", "dimensions"],
            msg: "Value error, the report needs more than 100000 rows; choose fewer days or dimensions, or add filters",
            type: "value_error"
          }
        ]
      })
      const tooLong = yield* Schema.encodeEffect(Errors.GatewayTimeout)(new ReportTimeout({ limit: "10s" }))
      assert.deepStrictEqual(tooLong.body, {
        detail: "The report takes longer than the limit of 10s. Choose fewer days, or remove filters."
      })
    })
)
