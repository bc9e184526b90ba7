/**
 * The folder for the files of the tests' PostgreSQL servers. It is in memory if enough memory is free, because a
 * database has a thousand files, and creating and deleting them on a disk takes most of the processor time of a test's server.
 *
 * @module
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from "node:fs"
import { freemem, tmpdir } from "node:os"
import path from "node:path"

/** Linux's file system in memory. */
const memory = "/dev/shm"

/** The free memory in bytes that a run requires. Some of it is for other programs. */
const requiredBytes = 6 * 2 ** 30

/** The environment variable with the path of the run's folder. Test workers inherit it. */
const variable = "TEST_SERVER_FILES"

const prefix = "hydracore-run-"

/** Whether the file system has enough space, and allows execution: a server's folder may contain a copy of its programs. */
const isUsable = (): boolean => {
  try {
    const mounts = readFileSync("/proc/mounts", "utf8").split("\n")
    const options = mounts
      .map((line) => line.split(" "))
      .find(([, mountPoint, type]) => mountPoint === memory && type === "tmpfs")?.[3]
    const { bavail, bsize } = statfsSync(memory)
    return options?.split(",").includes("noexec") === false && Math.min(bavail * bsize, freemem()) >= requiredBytes
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

/** Removes the folders of runs that were killed. */
const sweep = (): void => {
  for (const name of readdirSync(memory)) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(path.join(memory, name), { recursive: true, force: true })
  }
}

/** Creates the folder of this run in memory, if it is usable. Returns a function that removes it. */
export const create = (): (() => void) => {
  if (!isUsable()) return () => {}
  sweep()
  const created = mkdtempSync(path.join(memory, `${prefix}${process.pid}-`))
  // A server that root starts runs as another user, who must be able to traverse the folder.
  chmodSync(created, 0o711)
  process.env[variable] = created
  return () => {
    delete process.env[variable]
    rmSync(created, { recursive: true, force: true })
  }
}

/** The folder for the folders of servers: that of the run, or else the system's folder for temporary files. */
export const folder = (): string => process.env[variable] ?? tmpdir()
