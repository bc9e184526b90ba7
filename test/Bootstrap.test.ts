/**
 * What `scripts/bootstrap.mjs` says if Node is too old and `npm ci` has been run.
 */
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"

const script = path.resolve(import.meta.dirname, "../scripts/bootstrap.mjs")
const oldNode = `data:text/javascript,Object.defineProperty(process, "version", { value: "v20.1.0" })`

/** Runs the script in an installed project with these packages in node_modules; returns its standard error. */
const stderrWith = (...packages: ReadonlyArray<string>) => {
  const root = mkdtempSync(path.join(tmpdir(), "hydracore-bootstrap-"))
  try {
    mkdirSync(path.join(root, "scripts"))
    copyFileSync(script, path.join(root, "scripts", "bootstrap.mjs"))
    writeFileSync(path.join(root, "package-lock.json"), "{}")
    for (const name of ["", ...packages]) mkdirSync(path.join(root, "node_modules", name), { recursive: true })
    writeFileSync(path.join(root, "node_modules", ".package-lock.json"), "{}")
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", oldNode, path.join(root, "scripts", "bootstrap.mjs")],
      { encoding: "utf8" }
    )
    assert.strictEqual(status, 1, stderr)
    assert.include(stderr, "this project needs Node 22.19 or newer, and this is Node 20.1.")
    return stderr
  } finally {
    rmSync(root, { recursive: true })
  }
}

describe("bootstrap: a Node that is too old", () => {
  it("does not advise to rebuild a package that is not installed", () => {
    const stderr = stderrWith()
    assert.include(stderr, 'run "npm ci"')
    assert.notInclude(stderr, "npm rebuild")
  })

  it("advises to rebuild a package that is installed", () => {
    assert.include(stderrWith("node"), '"npm rebuild node ')
  })
})
