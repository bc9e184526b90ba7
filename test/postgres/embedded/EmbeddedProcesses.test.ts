/** Several processes on one folder, and processes that are killed. */
import { type ChildProcess, spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { createInterface } from "node:readline"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { folder, prepared, quick, refusal, store, stored, using } from "../../support/postgres/EmbeddedFolder.ts"
import { until } from "../../support/Wait.ts"

interface Holder {
  readonly child: ChildProcess
  readonly lines: Array<string>
  /** Waits for a matching line, or fails with the output. */
  readonly said: (line: RegExp) => Effect.Effect<RegExpExecArray>
}

/** A separate process that holds the folder; see fixtures/hold.ts. */
const holder = (dataDir: string) =>
  Effect.acquireRelease(
    Effect.sync((): Holder => {
      const script = path.join(import.meta.dirname, "fixtures", "hold.ts")
      const child = spawn(process.execPath, [script, dataDir], { stdio: ["ignore", "pipe", "inherit"] })
      const lines: Array<string> = []
      createInterface({ input: child.stdout }).on("line", (line) => lines.push(line))
      const said = (pattern: RegExp) =>
        until(
          () => `${pattern} among ${lines.slice(-3).join(" | ")}`,
          () => lines.map((line) => pattern.exec(line)).find((match) => match !== null)
        )
      return { child, lines, said }
    }),
    // The folder must not be removed while its server is shutting down.
    ({ child, lines }) =>
      Effect.gen(function* () {
        yield* ended(child, "SIGKILL")
        const pid = /^ready (\d+)$/.exec(lines[0] ?? "")?.[1]
        yield* until(`the end of the server ${pid}`, () => pid === undefined || !alive(Number(pid)))
      })
  )

const ended = (child: ChildProcess, signal: NodeJS.Signals) =>
  Effect.suspend(() => {
    child.kill(signal)
    return until("the end of the holder", () => child.exitCode !== null || child.signalCode !== null)
  })

/** Alive and not merely unreaped. */
const alive = (pid: number): boolean => {
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
  it.live("kill -9 of its process ends the server, even without another start, and loses nothing acknowledged", () =>
    Effect.gen(function* () {
      const dataDir = yield* Effect.flatMap(folder, prepared)
      for (const [next, rows] of [
        ["at once", 100],
        ["later", 200]
      ] as const) {
        const { child, lines, said } = yield* holder(dataDir)
        const pid = Number((yield* said(/^ready (\d+)$/))[1])
        assert.isTrue(alive(pid))
        yield* said(new RegExp(`^stored ${rows}$`))
        yield* ended(child, "SIGKILL")
        const last = lines.filter((line) => line.startsWith("stored ")).length
        if (next === "later") {
          yield* until(`the end of the server ${pid}`, () => !alive(pid))
        }
        // If at once, the old server may still be shutting down.
        const kept = yield* using({ dataDir }, stored)
        assert.isFalse(alive(pid))
        assert.isAtLeast(kept.length, last)
        assert.deepStrictEqual(
          kept.slice(0, last),
          Array.from({ length: last }, (_, index) => index + 1)
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("two first starts at once make one database, and the refusal of the other names the process", () =>
    Effect.gen(function* () {
      const dataDir = yield* folder
      const holders = [yield* holder(dataDir), yield* holder(dataDir)]
      const [first, second] = yield* Effect.all(
        holders.map((each) => Effect.as(each.said(/^(ready|refused) /), each)),
        { concurrency: 2 }
      ).pipe(Effect.map((both) => both.sort((one) => (one.lines[0]?.startsWith("ready") ? -1 : 1))))
      assert.match(first?.lines[0] ?? "", /^ready /)
      assert.match(second?.lines[0] ?? "", /^refused InUse .*DATABASE_URL/)
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
      const kept = yield* using({ dataDir, settings: quick }, (sql) =>
        Effect.gen(function* () {
          yield* store(sql)
          assert.include((yield* refusal({ dataDir })).message, `(pid ${process.pid})`)
          return yield* stored(sql)
        })
      )
      assert.deepStrictEqual(kept, [7])
    }).pipe(Effect.scoped)
  )
})
