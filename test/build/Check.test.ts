/**
 * `npm run check` as tests, so that it runs beside the others, which leave a processor idle at times.
 */
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"

const project = path.resolve(import.meta.dirname, "../..")

const commands: ReadonlyArray<string> = JSON.parse(
  readFileSync(path.join(project, "package.json"), "utf8")
).scripts.check.split(" && ")

/** Runs a program of `node_modules/.bin`, and gives its exit code and its output. */
const run = (command: string): Promise<{ readonly code: number | string | null; readonly output: string }> => {
  const [program = "", ...args] = command.split(" ")
  // The type checker is a Go program, which ends soon. Without Go's garbage collector, it takes a tenth less processor time, and up to a
  // tenth more memory, than with one that runs rarely (GOGC=400).
  const env = { ...process.env, GOGC: "off" }
  const options = { cwd: project, env, maxBuffer: 64 * 1024 * 1024 }
  return new Promise((resolve) =>
    execFile(path.join(project, "node_modules/.bin", program), args, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code ?? null), output: stdout + stderr })
    )
  )
}

describe("npm run check", () => {
  for (const command of commands) {
    it(command, { timeout: 300_000 }, async () => {
      const { code, output } = await run(command)
      assert.strictEqual(code, 0, output)
    })
  }
})
