/**
 * Bytes that violate HTTP: the request is refused and its connection closed, and a request smuggled behind it is not executed.
 *
 * Imports nothing of `src`.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { AttackedService } from "../../scripts/torture/AttackedService.ts"
import { rawSockets } from "../../scripts/torture/scenarios/RawSockets.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as Command from "./Command.ts"

const attacked = Layer.effect(
  AttackedService,
  Effect.gen(function* () {
    const database = yield* TestDatabase.url
    const env = { DATABASE_URL: database }
    const [{ port }, site] = yield* Effect.all(
      [Process.start("serve", env), Command.json(["site", "create", "--name", "Shop"], env)],
      { concurrency: 2 }
    )
    const target = {
      trackingToken: `${site["tracking_token"]}`,
      websiteConfigId: `${site["website_config_id"]}`,
      // No attack names an instance.
      instanceId: "",
      widgetToken: ""
    }
    return { database, port, target }
  })
)

layer(attacked, { excludeTestServices: true, timeout: "2 minutes" })("hostile bytes", (it) => {
  it.effect("are refused, and what follows them is not executed", () =>
    Effect.map(rawSockets, (figures) => {
      assert.isAbove(figures.attacks, 30)
    })
  )
})
