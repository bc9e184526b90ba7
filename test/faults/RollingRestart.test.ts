import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import * as Conversations from "../../scripts/torture/scenarios/Conversations.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import * as Process from "../support/Process.ts"
import { describeWith } from "../support/Programs.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"

describeWith([Nginx], "faults: a rolling restart while conversations stream", () => {
  it.live("leaves every answer whole, or cut and marked as cut", () =>
    Effect.map(
      Conversations.rollingRestart({
        database: TestDatabase.url,
        rounds: 1,
        conversations: 20,
        serve: [Process.serve, InProcessServe.start],
        grace: 1_000,
        longest: 3_000
      }),
      (figures) => {
        assert.isAbove(figures.whole, 0)
        assert.isAbove(figures.cut, 0)
      }
    )
  )
})
