import { spawn } from "node:child_process"
import { once } from "node:events"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as ProcessorTime from "./harness/ProcessorTime.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

/** A line of `/proc/<pid>/stat` whose other fields are all 7. */
const line = (pid: number, name: string, parent: number, times: ReadonlyArray<number>) =>
  [pid, `(${name})`, "S", parent, ...Array(9).fill(7), ...times, ...Array(35).fill(7)].join(" ")

describe("a stat line", () => {
  it.prop(
    "gives the total time of a process and its ended children, whatever the program is called",
    [Schema.String, Count, Count, Count, Count],
    ([name, user, system, childUser, childSystem]) => {
      expect(ProcessorTime.parseStat(line(42, name, 1, [user, system, childUser, childSystem]))).toEqual({
        pid: 42,
        parent: 1,
        ticks: user + system + childUser + childSystem
      })
    }
  )

  it("is undefined if it is truncated", () => {
    expect(ProcessorTime.parseStat("")).toBeUndefined()
    expect(ProcessorTime.parseStat("42 (node) S 1 7 7")).toBeUndefined()
  })
})

describe("a process tree", () => {
  const Parents = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 }))).check(
    Schema.isMaxLength(30)
  )

  it.prop("has used the time of its root and of the trees of the root's children", [Parents], ([choices]) => {
    // Process n + 2 is a child of an earlier process; process 1 is the root of all.
    const stats = [
      { pid: 1, parent: 0, ticks: 1 },
      ...choices.map((choice, index) => ({ pid: index + 2, parent: (choice % (index + 1)) + 1, ticks: 10 + index }))
    ]
    const micros = (pid: number) => ProcessorTime.microsOfTree(ProcessorTime.processTree(stats, pid))
    for (const { pid, ticks } of stats) {
      const children = stats.filter(({ parent }) => parent === pid)
      expect(micros(pid)).toBe(ticks * 10_000 + children.reduce((sum, child) => sum + micros(child.pid), 0))
    }
    expect(micros(1)).toBe(stats.reduce((sum, { ticks }) => sum + ticks * 10_000, 0))
  })

  it("is empty if the root has ended", () => {
    expect(ProcessorTime.processTree([{ pid: 2, parent: 1, ticks: 5 }], 1)).toEqual([])
  })
})

describe("the machine", () => {
  it.prop(
    "has used the time in which it was neither idle nor waiting",
    [Count, Count, Count],
    ([user, idle, softirq]) => {
      const text = `cpu  ${user} 1 2 ${idle} ${idle} 3 ${softirq} 0 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n`
      expect(ProcessorTime.parseMachine(text)).toBe((user + 1 + 2 + 3 + softirq) * 10_000)
    }
  )
})

describe("the reader", () => {
  it.live("counts a child that has ended", () =>
    Effect.promise(async () => {
      const before = ProcessorTime.read(process.pid)
      const child = spawn(process.execPath, [
        "--eval",
        "while (process.cpuUsage().user < 200_000) for (let n = 0; n < 1e6; n++);"
      ])
      await once(child, "exit")
      expect(ProcessorTime.read(process.pid) - before).toBeGreaterThanOrEqual(200_000)
    })
  )
})
