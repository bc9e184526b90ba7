/**
 * The program on a Node that is too old: of a clone and of the archive.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, realpathSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Program from "../support/Program.ts"

const project = path.resolve(import.meta.dirname, "../..")

const oldNode = `data:text/javascript,Object.defineProperty(process.versions, "node", { value: "20.1.0" })`

const programs = Effect.map(Program.main, (main) => [path.join(project, "src/main.ts"), main])

describe("a Node that is too old", () => {
  it.live("gets one sentence that names the Node to install", () =>
    Effect.gen(function* () {
      for (const program of yield* programs) {
        const { status, stderr } = spawnSync(process.execPath, ["--import", oldNode, program, "--version"], {
          encoding: "utf8"
        })
        assert.strictEqual(status, 1)
        assert.strictEqual(
          stderr,
          "hydracore needs Node 22.19 or newer, and this is Node 20.1.0: install Node 24 from https://nodejs.org/en/download, and start again.\n"
        )
      }
    })
  )

  it.live("can read the program's file, and knows the flags of its first line", () =>
    Effect.gen(function* () {
      for (const program of yield* programs) {
        const text = readFileSync(program, "utf8")
        // Node 18 to 22 refuse other flags before they read the file, and an import that is not dynamic is loaded first.
        assert.match(
          text,
          /^#!\/usr\/bin\/env -S node( --(max-semi-space-size=|heap-growing-percent=|no-allocation-)\S+)+\n/
        )
        const imports = [...text.matchAll(/^import\b[^;\n]*?"([^"]+)"|;import\b[^;(\n]*?"([^"]+)"/gm)]
        assert.isNotEmpty(imports)
        for (const [, first, second] of imports) assert.match(first ?? second ?? "", /^node:/)
      }
      // By its real name, since Node 20 refuses the extension .ts.
      assert.strictEqual(path.basename(realpathSync(path.join(project, "src/main.ts"))), "main.js")
    })
  )
})
