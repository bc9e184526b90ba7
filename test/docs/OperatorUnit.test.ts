/** The operator's systemd unit fits the program. */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Documents from "./Documents.ts"
import { temporary } from "./NginxBlocks.ts"
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

describe("operator: sudo hydracore", () => {
  it.live("runs the program with the settings and the user of the unit, also through a link", () =>
    Effect.gen(function* () {
      const folder = yield* temporary
      const [programs, installed] = [path.join(folder, "bin"), path.join(folder, "edge-1")]
      mkdirSync(programs)
      cpSync(path.join(Documents.root, "scripts/deploy"), path.join(installed, "deploy"), { recursive: true })
      writeFileSync(path.join(programs, "systemd-run"), `#!/bin/sh\nprintf '%s\\n' "$@"\n`, { mode: 0o755 })
      symlinkSync(path.join(installed, "deploy/hydracore"), path.join(programs, "hydracore"))
      const env = { PATH: `${programs}${path.delimiter}${process.env["PATH"]}` }
      const words = execFileSync("hydracore", ["site", "create", "--name", "My $website"], { env, encoding: "utf8" })
        .trimEnd()
        .split("\n")
      for (const property of ["User", "EnvironmentFile"]) assert.include(words, `${property}=${unit[property]}`)
      assert.include(words, "--expand-environment=no")
      const program = [path.join(installed, "node"), path.join(installed, "main.js")]
      assert.deepStrictEqual(words.slice(-6), [...program, "site", "create", "--name", "My $website"])
    }).pipe(Effect.scoped)
  )
})
