import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import * as DemoData from "../../src/demo/DemoData.ts"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { postgres } from "../support/Storages.ts"

const dataFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-demo-data-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const prepare = (dataDir: string, agentUrl = "http://127.0.0.1:9000") =>
  DemoData.prepare({ dataDir, baseUrl: "http://127.0.0.1:8080", agentUrl }).pipe(
    Effect.tap(({ demo }) => Effect.sync(() => writeFileSync(DemoData.demoFile(dataDir), DemoData.encode(demo))))
  )

describe("the demo's data", () => {
  it.effect("is created once, found with or without its file, and its instance uses the current agent", () =>
    Effect.gen(function* () {
      const dataDir = yield* dataFolder
      const first = yield* prepare(dataDir)
      assert.deepStrictEqual(DemoData.read(dataDir), Option.some(first.demo))
      assert.isTrue(first.isNew)
      assert.deepStrictEqual(yield* prepare(dataDir, "http://127.0.0.1:9001"), { ...first, isNew: false })
      writeFileSync(DemoData.demoFile(dataDir), "spoiled")
      const { demo } = yield* prepare(dataDir, "http://127.0.0.1:9002")
      // The token and the key cannot be found without the file, which has their secrets.
      const secrets = { widget_token: "", owner_key: "" }
      assert.deepStrictEqual({ ...demo, ...secrets }, { ...first.demo, ...secrets })
      const [instance, ...others] = yield* InstanceDirectory.use(({ list }) => list("all"))
      assert.strictEqual(instance?.agent_url, "http://127.0.0.1:9002")
      assert.deepStrictEqual(others, [])
      assert.lengthOf(yield* SiteDirectory.use(({ list }) => list), 1)
    }).pipe(Effect.provide(postgres()))
  )

  it.effect("a database failure while a token is issued is an error, not a defect", () =>
    Effect.gen(function* () {
      const unavailable = new StorageUnavailable({ reason: "unreachable" })
      const tokens = yield* WidgetTokens
      const error = yield* prepare(yield* dataFolder).pipe(
        Effect.provideService(WidgetTokens, { ...tokens, issue: () => Effect.fail(unavailable) }),
        Effect.flip
      )
      assert.strictEqual(error, unavailable)
    }).pipe(Effect.provide(postgres()))
  )
})
