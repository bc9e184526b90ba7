import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Load from "../torture/Load.ts"
import * as Database from "../torture/scenarios/Database.ts"

describe("faults: PostgreSQL, under load", () => {
  it.live(
    "restarts within the timeout fail no request",
    () => Database.restarts({ times: 2, ...Load.moderate }),
    120_000
  )
  it.live("a stop of one second fails no request", () => Database.stopped({ millis: 1_000, ...Load.moderate }), 120_000)
  it.live("a hang of one second fails no request", () => Database.hung({ millis: 1_000, ...Load.moderate }), 120_000)
  it.live(
    "connections ended by the server fail no request",
    () => Database.terminated({ times: 5, ...Load.moderate }),
    120_000
  )

  for (const how of ["stopped", "hung", "demoted"] as const) {
    it.live(
      `${how} for longer than the timeout, requests get a 503 in time, and the service recovers`,
      () =>
        Effect.map(Database.beyond({ timeout: 1_000, how, ...Load.moderate }), (figures) => {
          assert.isAbove(figures["503"], 0)
        }),
      120_000
    )
  }

  it.live(
    "a full disk causes a 503 in time, and requests succeed once there is room again",
    () =>
      Effect.map(Database.full({ timeout: 1_000, ...Load.moderate }), (figures) => {
        assert.isAbove(figures["503"], 0)
      }),
    120_000
  )
})
