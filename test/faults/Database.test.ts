import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Database from "../torture/scenarios/Database.ts"

describe("faults: PostgreSQL, under load", () => {
  it.live("restarts within the time-out cost no request", () => Database.restarts({ times: 2 }), 120_000)
  it.live("a stop of a second costs no request", () => Database.stopped({ millis: 1_000 }), 120_000)
  it.live("a second of silence costs no request", () => Database.hung({ millis: 1_000 }), 120_000)
  it.live("connections that the server ends cost no request", () => Database.terminated({ times: 5 }), 120_000)

  for (const how of ["stopped", "hung", "demoted"] as const) {
    it.live(
      `${how} for longer than the time-out, it is answered 503 in time, and recovers by itself`,
      () =>
        Effect.map(Database.beyond({ timeout: 1_000, how }), (figures) => {
          assert.isAbove(figures["503"], 0)
        }),
      120_000
    )
  }

  it.live(
    "a full disk is answered 503 in time, and forgotten when there is room again",
    () =>
      Effect.map(Database.full({ timeout: 1_000 }), (figures) => {
        assert.isAbove(figures["503"], 0)
      }),
    120_000
  )
})
