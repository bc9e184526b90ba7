/**
 * Installs the packages of package-lock.json if they are missing or outdated. Runs before `npm start`, `npm test`, `npm run build`
 * and `npm run hydracore`.
 *
 * Plain JavaScript without dependencies: on a fresh clone it runs with the Node that is installed, from 18 on. The packages
 * include the Node that the project runs on; npm looks for it when this script has exited.
 *
 * All messages go to standard error, because the following command may print a document on standard output. Several instances
 * may run at once: one installs, the others wait. If the packages are up to date, the script takes a few milliseconds.
 */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  closeSync,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import path from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")
const modules = path.join(root, "node_modules")
/** Holds the hash of the package-lock.json that the packages were installed from. Written last. */
const stampFile = path.join(modules, ".hydracore-lock")
/** Held by the process that installs. Not in node_modules, because `npm ci` removes that folder first. */
const mutexFile = path.join(root, ".bootstrap.lock")
const oldestNode = [22, 19]

const log = (text) => process.stderr.write(`hydracore: ${text}\n`)

/** Exits with a message, which also ends the npm command. */
const fail = (text) => {
  log(text)
  process.exit(1)
}

/** The result of a function, or undefined if it throws. */
const attempt = (step) => {
  try {
    return step()
  } catch {
    return undefined
  }
}

const packageLock = path.join(root, "package-lock.json")
const packageLockHash = createHash("sha256").update(readFileSync(packageLock)).digest("hex")

/**
 * "stamped": this script installed the packages of package-lock.json. "unstamped": `npm ci` was run by hand after that file
 * was last changed (npm writes its own .package-lock.json last). "stale": anything else, also an unfinished installation.
 */
const state = () => {
  const stamp = attempt(() => readFileSync(stampFile, "utf8").trim())
  if (stamp !== undefined) return stamp === packageLockHash ? "stamped" : "stale"
  const installedAt = attempt(() => statSync(path.join(modules, ".package-lock.json")).mtimeMs)
  const changedAt = statSync(packageLock).mtimeMs
  return installedAt !== undefined && installedAt >= changedAt ? "unstamped" : "stale"
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
 * Whether the processes that own a mutex file have ended without removing it. The file holds the ids of the script and of its
 * npm, which continues if only the script is killed. Ids alone do not suffice, because two containers may share the checkout
 * and ids are reused, so the owner also touches the file every two seconds.
 */
const isAbandoned = (file) => {
  const age = attempt(() => Date.now() - statSync(file).mtimeMs)
  if (age === undefined) return false
  const pids = (attempt(() => readFileSync(file, "utf8")) ?? "").split(" ").map(Number)
  return (age > 10_000 && !pids.some((pid) => pid > 0 && isAlive(pid))) || age > 600_000
}

/** Runs a step while holding the lock of this checkout. Only one process removes an abandoned lock. */
const withLock = async (step) => {
  const removal = `${mutexFile}.removal`
  for (let waited = false; !create(mutexFile); waited = true) {
    if (!waited) log("another process is installing the packages; waiting for it.")
    if (isAbandoned(mutexFile) && create(removal)) {
      if (isAbandoned(mutexFile)) rmSync(mutexFile, { force: true })
      rmSync(removal, { force: true })
    } else if (isAbandoned(removal)) {
      fail(`an earlier installation was killed. Remove ${removal} and ${mutexFile}, and start again.`)
    }
    await setTimeout(200)
  }
  const heartbeat = setInterval(() => attempt(() => utimesSync(mutexFile, new Date(), new Date())), 2000)
  const release = () => {
    clearInterval(heartbeat)
    rmSync(mutexFile, { force: true })
  }
  process.once("exit", release)
  await step()
}

/**
 * Runs `npm ci` with the npm that started this script, if any. The flags override inherited settings: `-s` of that npm would
 * hide errors, and NODE_ENV=production would leave out the development packages, which include the Node to run on.
 */
const install = () =>
  new Promise((resolve) => {
    const npm = process.env.npm_execpath ?? ""
    // The Node that npm runs on: the one that runs this script may be in node_modules, which `npm ci` removes.
    const node = process.env.npm_node_execpath ?? process.execPath
    const args = ["ci", "--include=dev", "--include=optional", "--loglevel=error", "--no-audit", "--no-fund"]
    const [command, first] = path.basename(npm) === "npm-cli.js" ? [node, [npm]] : ["npm", []]
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      shell: command === "npm" && process.platform === "win32",
      stdio: ["ignore", 2, 2]
    })
    if (child.pid !== undefined) writeFileSync(mutexFile, `${process.pid} ${child.pid}`)
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
      ["SIGHUP", 129]
    ]) {
      process.once(signal, () => {
        child.kill(signal)
        child.once("exit", () => process.exit(code))
      })
    }
    child.once("error", (error) => resolve(error.message))
    child.once("exit", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)))
  })

const versionOf = (text) => text.trim().replace(/^v/, "").split(".").map(Number)
const isNewEnough = ([major, minor]) => major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])

/** The version of the Node that npm's scripts will use: the installed one, else the one that runs this script. */
const nodeVersion = () => {
  const windows = process.platform === "win32"
  const bin = path.join(modules, ".bin", windows ? "node.cmd" : "node")
  const { status, stdout } = spawnSync(bin, ["--version"], { encoding: "utf8", shell: windows })
  if (status === 0) return versionOf(stdout)
  // The installed Node does not run here (NixOS has no loader for it), but npm's scripts would find it first. Replace it.
  const current = versionOf(process.version)
  if (!windows && isNewEnough(current) && attempt(() => lstatSync(bin)) !== undefined) {
    rmSync(bin, { force: true })
    symlinkSync(process.execPath, bin)
  }
  return current
}

const checkNode = () => {
  const [major, minor] = nodeVersion()
  if (isNewEnough([major, minor])) return
  const isInstalled = attempt(() => statSync(path.join(modules, "node"))) !== undefined
  fail(
    `this project needs Node ${oldestNode.join(".")} or newer, and this is Node ${major}.${minor}. The package "node" contains one, ` +
      (isInstalled
        ? "but its install script has not run (npm's ignore-scripts or allow-scripts setting, or no network). Run " +
          `"npm rebuild node --ignore-scripts=false --foreground-scripts", or install a newer Node, and start again.`
        : `but was left out (by "npm ci --omit=dev"). Install a newer Node, or run "npm ci", and start again.`)
  )
}

const stamp = () => attempt(() => writeFileSync(stampFile, `${packageLockHash}\n`))

const update = async () => {
  if (state() === "stale") {
    log("installing the packages (npm ci). This happens once and takes up to a minute.")
    const failure = await install()
    if (failure !== undefined) {
      fail(`npm ci failed (${failure}); its messages are above. It needs the network. Start again to retry.`)
    }
  }
  checkNode()
  stamp()
}

if (state() === "unstamped") {
  checkNode()
  stamp()
} else if (state() !== "stamped") {
  await withLock(update)
}
process.exit(0)
