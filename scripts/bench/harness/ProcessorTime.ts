/**
 * Processor time of a process tree, read from Linux's `/proc`. `read`, `readThread` and `readMachine` are not pure.
 *
 * The kernel adds the time of a process that has ended to its parent when the parent waits for it, so a tree's sum includes
 * processes that have ended: a PostgreSQL backend whose connection is closed, a worker that was replaced.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs"

/** One line of `/proc/<pid>/stat`. */
export interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** User and system time of all its threads, and of those descendants that have ended, in clock ticks. */
  readonly ticks: number
}

/** The kernel's `USER_HZ`, which is 100 on every platform that Node supports: a tick is 10 ms. */
const microsPerTick = 10_000

/** Parses a stat line (see `man 5 proc_pid_stat`); undefined if it is incomplete. */
export const parseStat = (line: string): ProcessStat | undefined => {
  // The second field is the program's name in parentheses, and may itself contain spaces and parentheses.
  const nameEnd = line.lastIndexOf(")")
  const fields = line.slice(nameEnd + 1).split(" ")
  // The name is field 2, so `fields[2]` is field 4, the parent; utime, stime, cutime and cstime are fields 14 to 17.
  const [pid, parent, ...times] = [
    Number.parseInt(line, 10),
    ...[2, 12, 13, 14, 15].map((index) => Number(fields[index]))
  ]
  const ticks = times.reduce((sum, time) => sum + time, 0)
  return nameEnd >= 0 && Number.isInteger(pid) && Number.isInteger(parent) && Number.isInteger(ticks)
    ? { pid: pid!, parent: parent!, ticks }
    : undefined
}

/** The processes among `stats` that are `root` or its descendants, by process id. */
export const processTree = (stats: ReadonlyArray<ProcessStat>, root: number): ReadonlyArray<ProcessStat> => {
  const children = Map.groupBy(stats, ({ parent }) => parent)
  const tree = stats.filter(({ pid }) => pid === root)
  // The array grows while it is walked: a child is visited after its parent.
  for (const { pid } of tree) tree.push(...(children.get(pid) ?? []))
  return tree.toSorted((left, right) => left.pid - right.pid)
}

/** The processor time of a tree in microseconds. */
export const microsOfTree = (tree: ReadonlyArray<ProcessStat>): number =>
  tree.reduce((sum, { ticks }) => sum + ticks * microsPerTick, 0)

/** The processor time that all processes of the machine have used, from the first line of `/proc/stat`, in microseconds. */
export const parseMachine = (text: string): number => {
  // user, nice, system, idle, iowait, irq, softirq
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu +(.*)$/m.exec(text)?.[1] ?? "")
    .split(" ")
    .map(Number)
  return (user + nice + system + irq + softirq) * microsPerTick
}

export const readMachine = (): number => parseMachine(readFileSync("/proc/stat", "utf8"))

const readStats = (): ReadonlyArray<ProcessStat> =>
  readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      return parseStat(readFileSync(`/proc/${name}/stat`, "utf8")) ?? []
    } catch {
      // It ended after the directory was listed.
      return []
    }
  })

/** The processor time in microseconds that a process's main thread has used. PostgreSQL's processes have only this thread. */
export const readThread = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ", 1)[0]) / 1000

const readings = 20

/**
 * Reads the processor time that `root` and all its descendants have used so far, in microseconds. A process that starts or
 * ends during the reading could be counted twice or not at all, so it reads again until two readings find the same processes,
 * at most 20 times.
 */
export const read = (root: number): number => {
  let tree = processTree(readStats(), root)
  for (let reading = 1; reading < readings; reading++) {
    const again = processTree(readStats(), root)
    const same = again.length === tree.length && again.every(({ pid }, index) => pid === tree[index]?.pid)
    tree = again
    if (same) break
  }
  return microsOfTree(tree)
}
