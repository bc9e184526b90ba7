/** `scripts/build.ts --out FOLDER` from a folder other than the root. */
import { execFile } from "node:child_process"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { assert, it } from "vitest"

const script = path.resolve(import.meta.dirname, "../../scripts/build.ts")

it("builds the whole archive in a folder that is relative to the current one", { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "hydracore-build-"))
  try {
    await promisify(execFile)(process.execPath, [script, "--out", "archive"], { cwd: folder })
    const files = await readdir(path.join(folder, "archive"))
    assert.includeMembers(files, ["main.js", "built", "package.json"])
    const { stdout } = await promisify(execFile)(process.execPath, [path.join(folder, "archive/main.js"), "--version"])
    assert.match(stdout, /\d+\.\d+\.\d+/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
