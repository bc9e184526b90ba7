/** Several processes on one folder, and processes that are killed. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { folder, prepared, quick, refusal, store, stored, using } from "../../../support/postgres/EmbeddedFolder.ts"
import { until } from "../../../support/Wait.ts"

interface Holder {
  readonly child: ChildProcess
  readonly lines: Array<string>
  /** Waits for a matching line, or fails with the output. */
  readonly untilLine: (line: RegExp) => Effect.Effect<RegExpExecArray>
}

/** A separate process that uses the folder; see fixtures/hold.ts. */
const holder = (dataDir: string) =>
  Effect.acquireRelease(
    Effect.sync((): Holder => {
      const script = path.join(import.meta.dirname, "fixtures", "hold.ts")
      const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] })
      const lines: Array<string> = []
      createInterface({ input: child.stdout }).on("line", (line) => lines.push(line))
      const untilLine = (pattern: RegExp) =>
        until(
          () => `${pattern} among ${lines.slice(-3).join(" | ")}`,
          () => lines.map((line) => pattern.exec(line)).find((match) => match !== null)
        )
      return { child, lines, untilLine }
    }),
    // Waits for the server, because a folder must not be removed while its server shuts down.
    ({ child, lines }) =>
      Effect.gen(function* () {
        yield* end(child, "SIGKILL")
        const pid = /^ready (\d+)$/.exec(lines[0] ?? "")?.[1]
        yield* until(`the end of the server ${pid}`, () => pid === undefined || !isRunning(Number(pid)))
      })
  )

const end = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.suspend(() => {
    child.kill(signal)
    return until("the end of the holder", () => child.exitCode !== null || child.signalCode !== null)
  })

/** Whether a process runs. A process that has ended and is not reaped yet does not run. */
const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const command = `/proc/${pid}/cmdline`
  try {
    return !existsSync("/proc/self/cmdline") || readFileSync(command, "utf8") !== ""
  } catch {
    return false
  }
}

describe("the embedded cluster: its processes", () => {
  it.live(
    "kill -9 of the process that started the server ends the server, even without another start, and loses no committed row",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* Effect.flatMap(folder, prepared)
        for (const [nextStart, rows] of [
          ["at once", 100],
          ["after the server's end", 200]
        ] as const) {
          const { child, lines, untilLine } = yield* holder(dataDir)
          const pid = Number((yield* untilLine(/^ready (\d+)$/))[1])
          assert.isTrue(isRunning(pid))
          yield* untilLine(new RegExp(`^stored ${rows}$`))
          yield* end(child, "SIGKILL")
          const committed = lines.filter((line) => line.startsWith("stored ")).length
          if (nextStart === "after the server's end") {
            yield* until(`the end of the server ${pid}`, () => !isRunning(pid))
          }
          // In the first round, the old server may still be shutting down.
          const rowsAfter = yield* using({ dataDir }, stored)
          assert.isFalse(isRunning(pid))
          assert.isAtLeast(rowsAfter.length, committed)
          assert.deepStrictEqual(
            rowsAfter.slice(0, committed),
            Array.from({ length: committed }, (_, index) => index + 1)
          )
        }
      }).pipe(Effect.scoped)
  )

  it.live(
    "of two first starts at once, one creates the database, and the error of the other names the process that uses it",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* folder
        const holders = [yield* holder(dataDir), yield* holder(dataDir)]
        const [first, second] = yield* Effect.all(
          holders.map((each) => Effect.as(each.untilLine(/^(ready|refused) /), each)),
          { concurrency: 2 }
        ).pipe(Effect.map((both) => both.sort((one) => (one.lines[0]?.startsWith("ready") ? -1 : 1))))
        assert.match(first?.lines[0] ?? "", /^ready /)
        assert.match(
          second?.lines[0] ?? "",
          /^refused InUse .*HYDRACORE_DATA_DIR=\S+ PORT=80[0-9]{2} npm start\. .*DATABASE_URL/
        )
        assert.deepStrictEqual(
          readdirSync(dataDir).filter((name) => name.startsWith("data")),
          ["data"]
        )
        const { message, reason } = yield* refusal({ dataDir })
        assert.strictEqual(reason, "InUse")
        assert.include(message, `(pid ${first?.child.pid})`)
      }).pipe(Effect.scoped)
  )

  it.live("a second start in the same process is refused and does not affect the first", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      const rowsAfter = yield* using({ dataDir, settings: quick }, (sql) =>
        Effect.gen(function* () {
          yield* store(sql)
          assert.include((yield* refusal({ dataDir })).message, `(pid ${process.pid})`)
          return yield* stored(sql)
        })
      )
      assert.deepStrictEqual(rowsAfter, [7])
    }).pipe(Effect.scoped)
  )
})
