import { execFileSync, spawn } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import * as LogOutput from "../../src/telemetry/LogOutput.ts"

const notice = (lines: number) => `lost ${lines}`

/** A reader that takes a line when it is told to. */
const slowReader = (highWaterMark = 1) => {
  const seen: Array<string> = []
  let taken: (() => void) | undefined
  const output = new Writable({
    decodeStrings: false,
    highWaterMark,
    write: (line, _, done) => {
      seen.push(String(line).trimEnd())
      taken = done
    }
  })
  return {
    output,
    seen,
    /** Takes all that waits. */
    drain: async () => {
      while (output.writableLength > 0) {
        taken?.()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
}

const telemetry = fileURLToPath(new URL("../../src/telemetry/Telemetry.ts", import.meta.url))

/** Logs more than waits anywhere. A child that is given our standard error makes that wait for its reader, for all who hold it. */
const program = `
  import { spawnSync } from "node:child_process"
  import { Effect, Option } from "effect"
  import * as Telemetry from ${JSON.stringify(telemetry)}
  process.stderr
  spawnSync("true", { stdio: "inherit" })
  await Effect.gen(function* () {
    for (let line = 0; line < 5000; line++) yield* Effect.logInfo("x".repeat(1000))
    process.stdout.write("alive")
    process.stdin.resume()
    yield* Effect.never
  }).pipe(Effect.provide(Telemetry.layer({ level: "Info", format: "json", version: "0", metrics: false, otlp: Option.none() })), Effect.runPromise)`

/** A pipe with both its ends, and how to read what is in it. Node's own pipes to children are sockets. */
const makePipe = () => {
  const folder = mkdtempSync(path.join(tmpdir(), "hydracore-log-"))
  const name = path.join(folder, "stderr")
  execFileSync("mkfifo", [name])
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(name, constants.O_WRONLY)
  const buffer = Buffer.alloc(65_536)
  return {
    writer,
    read: (): string => {
      try {
        return buffer.toString("utf8", 0, readSync(reader, buffer))
      } catch {
        return ""
      }
    },
    close: () => {
      closeSync(reader)
      closeSync(writer)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/**
 * Reads a log until so many lines are there or told to be lost, wherever among them that is told; every line must be whole.
 * More than that, and the sum is never met: the test's time runs out.
 */
const readAll = async (read: () => string, lines: number) => {
  let sum = 0
  let rest = ""
  while (sum !== lines) {
    const whole = (rest + read()).split("\n")
    rest = whole.pop() ?? ""
    for (const line of whole) {
      const { message } = JSON.parse(line) as { readonly message: string }
      sum += message.startsWith("x") ? 1 : Number(message.split(" ")[0])
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.strictEqual(rest, "")
}

/** Has a process log to what nobody reads until it has logged all, and then reads what there is. */
const unread = async (kind: "pipe" | "socket") => {
  const pipe = makePipe()
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    stdio: ["pipe", "pipe", kind === "pipe" ? pipe.writer : "pipe"]
  })
  const ended = new Promise((resolve) => child.once("exit", resolve))
  try {
    await new Promise((resolve, reject) => {
      child.stdout?.once("data", resolve)
      child.once("exit", () => reject(new Error("it ended before")))
    })
    const read = kind === "pipe" ? pipe.read : (): string => String(child.stderr?.read() ?? "")
    await readAll(read, 5000)
  } finally {
    child.kill("SIGKILL")
    await ended
    pipe.close()
  }
}

/** Has two processes log to one pipe that nobody reads until both have logged all, and then reads it. */
const unreadTogether = async () => {
  const pipe = makePipe()
  const children = ["one", "two"].map(() =>
    spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdio: ["pipe", "pipe", pipe.writer]
    })
  )
  const ended = Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))))
  try {
    for (const child of children) {
      await new Promise((resolve, reject) => {
        child.stdout?.once("data", resolve)
        child.once("exit", () => reject(new Error("it ended before")))
      })
    }
    await readAll(pipe.read, 2 * 5000)
  } finally {
    for (const child of children) child.kill("SIGKILL")
    await ended
    pipe.close()
  }
}

describe("telemetry/LogOutput", () => {
  it.effect.prop(
    "each line is written in its order, or counted where it is missing, and what waits is bounded",
    [Schema.Array(Schema.Struct({ kilobytes: Schema.Literals([1, 300, 2000]), isRead: Schema.Boolean }))],
    ([steps]) =>
      Effect.promise(async () => {
        const reader = slowReader()
        const log = LogOutput.make(reader.output, notice)
        for (const [index, { isRead, kilobytes }] of steps.entries()) {
          log.write(`${index} ${"x".repeat(kilobytes * 1024)}`)
          assert.isBelow(reader.output.writableLength, (1024 + 2001) * 1024)
          if (isRead) await reader.drain()
        }
        await reader.drain()
        await Effect.runPromise(log.flush)
        let next = 0
        for (const line of reader.seen) {
          if (line.startsWith("lost ")) next += Number(line.slice(5))
          else assert.strictEqual(line.slice(0, line.indexOf(" ")), String(next++))
        }
        assert.strictEqual(next, steps.length)
      })
  )

  for (const kind of ["pipe", "socket"] as const) {
    it.live(
      `a reader that has stopped does not stop the process, and is told what it missed (${kind})`,
      () => Effect.promise(() => unread(kind)),
      60_000
    )
  }

  it.live("no line of one process stands in the midst of another's", () => Effect.promise(unreadTogether), 60_000)

  // The clock of this test stands still: the wait for a reader that is behind does not end by itself.
  it.effect("the end waits for what waits, be it little, and no longer", () =>
    Effect.gen(function* () {
      const reader = slowReader(1024)
      const log = LogOutput.make(reader.output, notice)
      yield* log.flush
      for (const line of ["one", "two"]) log.write(line)
      const flushing = yield* Effect.forkChild(log.flush, { startImmediately: true })
      yield* Effect.promise(reader.drain)
      yield* Fiber.join(flushing)
      assert.deepStrictEqual(reader.seen, ["one", "two"])
    })
  )

  it.effect("nobody is waited for whose reader has gone", () =>
    Effect.gen(function* () {
      const reader = slowReader()
      const log = LogOutput.make(reader.output, notice)
      for (const line of ["one", "two"]) log.write(line)
      const flushing = yield* Effect.forkChild(log.flush, { startImmediately: true })
      reader.output.destroy(new Error("EPIPE"))
      yield* Fiber.join(flushing)
      log.write("three")
      yield* log.flush
    })
  )
})
