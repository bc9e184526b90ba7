/**
 * Where the PostgreSQL servers of the tests have their files. A run has a folder in memory, if the machine has room: a database
 * is a thousand files, and creating and deleting them on a disk takes most of the processor time of a test's server.
 *
 * @module
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs"
import { freemem, tmpdir } from "node:os"
import path from "node:path"

/** Linux's file system in memory. */
const memory = "/dev/shm"

/** The room that a run needs, in bytes, with some left for other programs. */
const needed = 6 * 2 ** 30

/** The environment variable with the path of the run's folder. Test workers inherit it. */
const variable = "TEST_SERVER_FILES"

const prefix = "hydracore-run-"

/** Whether the file system has room, and programs may run from it: a server's folder may hold a copy of its programs. */
const isUsable = (): boolean => {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n")
    const options = mounts.map((line) => line.split(" ")).find(([, at, type]) => at === memory && type === "tmpfs")?.[3]
    const { bavail, bsize } = statfsSync(memory)
    return options?.split(",").includes("noexec") === false && Math.min(bavail * bsize, freemem()) >= needed
  } catch {
    return false
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Removes what killed runs left in memory. */
const sweep = (): void => {
  for (const name of readdirSync(memory)) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(path.join(memory, name), { recursive: true, force: true })
  }
}

/** Makes the folder of this run, if the machine has room, and returns what removes it. */
export const set = (): (() => void) => {
  if (!isUsable()) return () => {}
  sweep()
  const made = mkdtempSync(path.join(memory, `${prefix}${process.pid}-`))
  // A server that root starts runs as another user.
  chmodSync(made, 0o711)
  process.env[variable] = made
  return () => {
    delete process.env[variable]
    rmSync(made, { recursive: true, force: true })
  }
}

/** The folder in which a server's folder is made. If the run has no folder, it is the folder for temporary files. */
export const folder = (): string => process.env[variable] ?? tmpdir()
