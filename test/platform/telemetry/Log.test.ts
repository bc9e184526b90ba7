import { execFileSync, spawn } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { Writable } from "node:stream"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schema } from "effect"
import * as Telemetry from "../../../src/platform/telemetry/Telemetry.ts"

const notice = (lines: number) => `lost ${lines}`

/** A reader that consumes lines only in `drain`. */
const slowReader = (highWaterMark = 1) => {
  const written: Array<string> = []
  let consume: (() => void) | undefined
  const output = new Writable({
    decodeStrings: false,
    highWaterMark,
    write: (line, _, done) => {
      written.push(String(line).trimEnd())
      consume = done
    }
  })
  return {
    output,
    written,
    /** Consumes all buffered lines. */
    drain: async () => {
      while (output.writableLength > 0) {
        consume?.()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
  }
}

const telemetry = fileURLToPath(new URL("../../../src/platform/telemetry/Telemetry.ts", import.meta.url))

/** Logs more than all buffers hold. A child that inherits standard error makes the shared pipe blocking. */
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

/** A pipe with both ends. Node's own pipes to children are sockets. */
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
 * Reads a log until `lines` lines are read or reported as dropped. Every line must be complete. If there are more, the test
 * times out.
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

/** Reads the log of a process after the process has logged everything. */
const readLate = async (kind: "pipe" | "socket") => {
  const pipe = makePipe()
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: fileURLToPath(new URL("../../..", import.meta.url)),
    stdio: ["pipe", "pipe", kind === "pipe" ? pipe.writer : "pipe"]
  })
  const ended = new Promise((resolve) => child.once("exit", resolve))
  try {
    await new Promise((resolve, reject) => {
      child.stdout?.once("data", resolve)
      child.once("exit", () => reject(new Error("the process ended before it had logged everything")))
    })
    const read = kind === "pipe" ? pipe.read : (): string => String(child.stderr?.read() ?? "")
    await readAll(read, 5000)
  } finally {
    child.kill("SIGKILL")
    await ended
    pipe.close()
  }
}

/** Reads the logs of two processes from one pipe after both have logged everything. */
const readBothLate = async () => {
  const pipe = makePipe()
  const children = ["one", "two"].map(() =>
    spawn(process.execPath, ["--input-type=module", "--eval", program], {
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      stdio: ["pipe", "pipe", pipe.writer]
    })
  )
  const ended = Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))))
  try {
    for (const child of children) {
      await new Promise((resolve, reject) => {
        child.stdout?.once("data", resolve)
        child.once("exit", () => reject(new Error("the process ended before it had logged everything")))
      })
    }
    await readAll(pipe.read, 2 * 5000)
  } finally {
    for (const child of children) child.kill("SIGKILL")
    await ended
    pipe.close()
  }
}

describe("platform/telemetry/Telemetry", () => {
  it.effect.prop(
    "lines are written in order or counted as dropped, and the buffer is bounded",
    [Schema.Array(Schema.Struct({ kilobytes: Schema.Literals([1, 300, 2000]), isRead: Schema.Boolean }))],
    ([steps]) =>
      Effect.promise(async () => {
        const reader = slowReader()
        const log = Telemetry.makeOutput(reader.output, notice)
        for (const [index, { isRead, kilobytes }] of steps.entries()) {
          log.write(`${index} ${"x".repeat(kilobytes * 1024)}`)
          assert.isBelow(reader.output.writableLength, (1024 + 2001) * 1024)
          if (isRead) await reader.drain()
        }
        await reader.drain()
        await Effect.runPromise(log.flush)
        let next = 0
        for (const line of reader.written) {
          if (line.startsWith("lost ")) next += Number(line.slice(5))
          else assert.strictEqual(line.slice(0, line.indexOf(" ")), String(next++))
        }
        assert.strictEqual(next, steps.length)
      })
  )

  for (const kind of ["pipe", "socket"] as const) {
    it.live(
      `a reader that stops does not block the process, and later gets the count of dropped lines (${kind})`,
      () => Effect.promise(() => readLate(kind)),
      120_000
    )
  }

  it.live("lines of two processes do not interleave", () => Effect.promise(readBothLate), 120_000)

  // The test clock does not advance, so the flush does not time out by itself.
  it.effect("flush waits only until the buffer is empty", () =>
    Effect.gen(function* () {
      const reader = slowReader(1024)
      const log = Telemetry.makeOutput(reader.output, notice)
      yield* log.flush
      for (const line of ["one", "two"]) log.write(line)
      const flushing = yield* Effect.forkChild(log.flush, { startImmediately: true })
      yield* Effect.promise(reader.drain)
      yield* Fiber.join(flushing)
      assert.deepStrictEqual(reader.written, ["one", "two"])
    })
  )

  it.effect("flush does not wait for a closed reader", () =>
    Effect.gen(function* () {
      const reader = slowReader()
      const log = Telemetry.makeOutput(reader.output, notice)
      for (const line of ["one", "two"]) log.write(line)
      const flushing = yield* Effect.forkChild(log.flush, { startImmediately: true })
      reader.output.destroy(new Error("EPIPE"))
      yield* Fiber.join(flushing)
      log.write("three")
      yield* log.flush
    })
  )
})
