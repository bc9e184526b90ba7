/**
 * The error messages of `npm run screenshots`. People judge the screenshots themselves.
 */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const run = (...args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }>((resume) => {
    const child = execFile(process.execPath, ["scripts/screenshots.ts", ...args], (error, stdout, stderr) =>
      resume(Effect.succeed({ code: error === null ? 0 : error.code, stdout, stderr }))
    )
    return Effect.sync(() => void child.kill())
  })

describe("scripts/screenshots", () => {
  it.live("without a demo it prints one message and creates no folder", () =>
    Effect.gen(function* () {
      const folder = path.join(tmpdir(), `hydracore-screenshots-${process.pid}`)
      assert.deepStrictEqual(yield* run(folder, "http://127.0.0.1:1"), {
        code: 1,
        stdout: "",
        stderr: "No demo runs at http://127.0.0.1:1. Start it with `npm start`, or give its URL after the folder.\n"
      })
      assert.isFalse(existsSync(folder))
    })
  )

  it.live("help needs no demo, and a wrong argument is named", () =>
    Effect.gen(function* () {
      const help = yield* run("--help")
      assert.deepStrictEqual({ code: help.code, stderr: help.stderr }, { code: 0, stderr: "" })
      assert.match(help.stdout, /^node scripts\/screenshots\.ts <folder> [^\n]+\n$/)
      assert.deepStrictEqual(yield* run(), {
        code: 1,
        stdout: "",
        stderr: `The folder is missing. Usage: ${help.stdout}`
      })
      assert.deepInclude(yield* run("--bogus"), { code: 1, stderr: `Unknown option '--bogus'. Usage: ${help.stdout}` })
    })
  )
})
