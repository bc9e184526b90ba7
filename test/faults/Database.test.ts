import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Database from "../../scripts/torture/scenarios/Database.ts"
import * as InProcessServe from "../support/InProcessServe.ts"

layer(Database.bench(10_000, InProcessServe.start), { excludeTestServices: true })(
  "faults: PostgreSQL, under load",
  (it) => {
    it.effect("a stop of one second fails no request", () => Database.stopped({ millis: 1_000, ...Load.moderate }))

    it.effect("a hang of one second fails no request", () => Database.hung({ millis: 1_000, ...Load.moderate }))

    it.effect("connections ended by the server fail no request", () =>
      Database.terminated({ times: 5, ...Load.moderate })
    )
  }
)

layer(Database.bench(1_000, InProcessServe.start), { excludeTestServices: true })(
  "faults: PostgreSQL, for longer than the timeout",
  (it) => {
    for (const how of ["stopped", "hung", "demoted"] as const) {
      it.effect(`while it is ${how}, requests get a 503 in time, and the service recovers afterwards`, () =>
        Effect.map(Database.beyondTimeout({ how, ...Load.moderate }), (figures) => {
          assert.isAbove(figures["503"], 0)
        })
      )
    }

    it.effect("a full disk causes a 503 in time, and requests succeed once there is room again", () =>
      Effect.map(Database.full(Load.moderate), (figures) => {
        assert.isAbove(figures["503"], 0)
      })
    )
  }
)
