/** The operator's systemd unit fits the program. */
import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Documents from "./Documents.ts"
import { environment, start, unit } from "./OperatorUnit.ts"

describe("operator: the unit", () => {
  it("starts node itself, with the flags that npm's script has", () => {
    const { scripts } = JSON.parse(readFileSync(path.join(Documents.root, "package.json"), "utf8")) as {
      readonly scripts: Record<string, string>
    }
    assert.strictEqual(start.node, `${unit["WorkingDirectory"]}/node`)
    assert.strictEqual(start.program, `${unit["WorkingDirectory"]}/main.js`)
    assert.strictEqual(`exec node ${start.flags.join(" ")} src/main.ts`, scripts["hydracore"])
  })

  it("gives the service more time to end than it needs", async () => {
    const settings = await Effect.runPromise(
      Settings.parse(ConfigProvider.fromUnknown({ ...environment, SECRETS_KEY: "5".repeat(64) }))
    )
    // A worker may take six seconds after the grace period (`cli/commands/Serve`).
    assert.isAbove(Number(unit["TimeoutStopSec"]), Duration.toSeconds(settings.shutdownGrace) + 6)
  })
})
