/**
 * Runs commands of the built program one after another: loading the program takes most of a command's processor time. The modules stay
 * loaded, and the program's entry is evaluated for each command. A command has ended as its own process would end: by an exit, or when
 * nothing is left to do. `Command.ts` starts this file as a process, and sends it the commands.
 */
import { readFileSync } from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"
import type { Ended, Given } from "./Command.ts"

/** The module that the program's main file loads for a command. */
const entryOf = (main: string): string => {
  const [name] = /\bMain-\w+\.js/.exec(readFileSync(main, "utf8")) ?? []
  if (name === undefined) throw new Error(`${main} names no entry`)
  return pathToFileURL(path.join(path.dirname(main), name)).href
}

let count = 0
let written = { stdout: "", stderr: "" }
let isRunning = false

const end = (code: number) => {
  if (!isRunning) return
  isRunning = false
  process.channel?.ref()
  const ended: Ended = { code, ...written }
  process.send?.(ended)
}

for (const name of ["stdout", "stderr"] as const) {
  const decoder = new TextDecoder()
  process[name].write = (chunk: Uint8Array | string, ...rest: ReadonlyArray<unknown>) => {
    written[name] += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })
    const done = rest.at(-1)
    if (typeof done === "function") queueMicrotask(() => done())
    return true
  }
}

process.exit = ((code?: number) => end(code ?? 0)) as typeof process.exit
process.on("beforeExit", () => end(Number(process.exitCode ?? 0)))
process.on("uncaughtException", (error) => {
  process.stderr.write(`${error.stack}\n`)
  end(1)
})
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"))

process.on("message", ({ args, env, main }: Given) => {
  process.argv = [process.execPath, main, ...args]
  process.env = { ...env }
  process.exitCode = undefined
  written = { stdout: "", stderr: "" }
  isRunning = true
  process.channel?.unref()
  void import(`${entryOf(main)}?${count++}`)
})
