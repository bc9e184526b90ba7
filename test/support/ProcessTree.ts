/**
 * The processes of this machine: their parents, whether they live, and signals to them.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** A process's id, parent and state, from `/proc`; undefined if it has ended. */
const entryOf = (pid: string): ReadonlyArray<string> | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const [state = "", parent = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return [pid, parent, state]
  } catch {
    return undefined
  }
}

/** The process ids, parents and states of all processes. */
const listProcesses = (): ReadonlyArray<ReadonlyArray<string>> => {
  if (process.platform !== "linux") {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat="], { encoding: "utf8" }).trim().split("\n")
    return lines.map((line) => line.trim().split(/\s+/))
  }
  // The same as `ps`, without starting a process for each list.
  return readdirSync("/proc").flatMap((pid) => {
    const entry = /^\d+$/.test(pid) ? entryOf(pid) : undefined
    return entry === undefined ? [] : [entry]
  })
}

const isLive = ([, , state]: ReadonlyArray<string>): boolean => state?.startsWith("Z") === false

/** All live processes with their parents, roughly oldest first. */
const processes = (): ReadonlyArray<{ readonly pid: number; readonly parent: number }> =>
  listProcesses()
    .filter(isLive)
    .map(([pid, parent]) => ({ pid: Number(pid), parent: Number(parent) }))
    .toSorted((a, b) => a.pid - b.pid)

/** A process and all its live descendants, parents first. */
export const family = (root: number): ReadonlyArray<number> => {
  const all = processes()
  const members = [root]
  for (const member of members) {
    for (const { parent, pid } of all) if (parent === member) members.push(pid)
  }
  return members
}

/** The direct children of a process. */
export const children = (of: number): ReadonlyArray<number> =>
  processes()
    .filter(({ parent }) => parent === of)
    .map(({ pid }) => pid)

/** Whether a process lives. It is called many times, so it does not list all processes, which takes milliseconds. */
export const isAlive = (wanted: number): boolean => {
  if (process.platform !== "linux") return processes().some(({ pid }) => pid === wanted)
  const entry = entryOf(String(wanted))
  return entry !== undefined && isLive(entry)
}

/** Sends a signal to processes; ignores those that have ended. */
export const signalAll = (pids: ReadonlyArray<number>, name: NodeJS.Signals): void => {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error
    }
  }
}
