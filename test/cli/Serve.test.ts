import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Serve from "../../src/cli/Serve.ts"
import * as MemoryMetrics from "../../src/memory/Metrics.ts"
import { Metrics } from "../../src/services/Metrics.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"

it.live("serve makes all that it stores with once, and has it measured once", () =>
  Effect.gen(function* () {
    const { url } = yield* TestDatabase.connection
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ PORT: "0" }))
    const metrics = MemoryMetrics.make()
    const watched: Array<string> = []
    yield* Serve.service(settings, { url }).pipe(
      Effect.provideService(Metrics, {
        ...metrics,
        watch: (name, labels, read) => {
          watched.push(`${name} ${Object.values(labels).join()}`)
          metrics.watch(name, labels, read)
        }
      })
    )
    assert.deepStrictEqual(watched.filter((name) => name.startsWith("batchQueue")).sort(), [
      "batchQueue page-views",
      "batchQueue submissions"
    ])
  }).pipe(Effect.scoped)
)
