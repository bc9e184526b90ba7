/**
 * A lock that processes of this checkout share, also those in containers.
 *
 * Plain JavaScript without dependencies: `bootstrap.mjs` uses it before the packages are installed, with any Node from 18 on.
 */
import { closeSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"

/** The result of a function, or undefined if it throws. */
export const attempt = (step) => {
  try {
    return step()
  } catch {
    return undefined
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

/** Creates a file with this process id; false if the file exists. */
const create = (file) => {
  try {
    const handle = openSync(file, "wx")
    writeFileSync(handle, String(process.pid))
    closeSync(handle)
    return true
  } catch (error) {
    if (error.code === "EEXIST") return false
    throw error
  }
}

/**
 * Whether the processes that own a lock have ended without removing it. Ids alone do not suffice, because two containers may
 * share the checkout and ids are reused, so the owner also touches the file every two seconds.
 */
const isAbandoned = (file) => {
  const age = attempt(() => Date.now() - statSync(file).mtimeMs)
  if (age === undefined) return false
  const pids = (attempt(() => readFileSync(file, "utf8")) ?? "").split(" ").map(Number)
  return (age > 10_000 && !pids.some((pid) => pid > 0 && isAlive(pid))) || age > 600_000
}

/**
 * Runs a step while holding the lock `file`. `onWait` is called if another process holds it. The step gets a function that names a
 * child process as another owner, since a child continues if only its parent is killed. Only one process removes an abandoned lock.
 */
export const withLock = async (file, onWait, step) => {
  const removal = `${file}.removal`
  for (let waited = false; !create(file); waited = true) {
    if (!waited) onWait()
    if (isAbandoned(file) && create(removal)) {
      if (isAbandoned(file)) rmSync(file, { force: true })
      rmSync(removal, { force: true })
    } else if (isAbandoned(removal)) {
      throw new Error(`an earlier process was killed. Remove ${removal} and ${file}, and start again.`)
    }
    await setTimeout(200)
  }
  const heartbeat = setInterval(() => attempt(() => utimesSync(file, new Date(), new Date())), 2000)
  const release = () => {
    clearInterval(heartbeat)
    rmSync(file, { force: true })
  }
  process.once("exit", release)
  try {
    return await step((pid) => writeFileSync(file, `${process.pid} ${pid}`))
  } finally {
    process.off("exit", release)
    release()
  }
}
