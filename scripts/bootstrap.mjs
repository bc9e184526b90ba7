/**
 * Brings node_modules in line with package-lock.json, before `npm start`, `npm test` and `npm run hydracore`.
 *
 * Plain JavaScript for any Node from 18 on, and no imports but Node's: it runs on a fresh clone, with whatever Node the machine
 * has. The packages hold the Node that the project runs on; npm looks that up after this script has ended.
 *
 * All words go to standard error, since the command that follows may print a document on standard output. Several of these may
 * run at once: one installs, the others wait for it. When nothing is to be done, it takes a few milliseconds.
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
/** Written last, with the hash of the lock file that the packages were installed from. */
const stampFile = path.join(modules, ".hydracore-lock")
/** Beside node_modules and not in it, because `npm ci` begins by removing that folder. */
const mutexFile = path.join(root, ".bootstrap.lock")
const oldest = [22, 19]

const say = (text) => process.stderr.write(`hydracore: ${text}\n`)

/** Ends this script, and with it the npm command, with the reason. */
const giveUp = (text) => {
  say(text)
  process.exit(1)
}

const attempt = (step) => {
  try {
    return step()
  } catch {
    return undefined
  }
}

const wanted = createHash("sha256")
  .update(readFileSync(path.join(root, "package-lock.json")))
  .digest("hex")

/**
 * "stamped": installed by us from this very lock file. "unstamped": somebody ran `npm ci` by hand, after the lock file was last
 * written (npm writes its own .package-lock.json last). "stale": anything else, a half-finished installation included.
 */
const state = () => {
  const stamp = attempt(() => readFileSync(stampFile, "utf8").trim())
  if (stamp !== undefined) return stamp === wanted ? "stamped" : "stale"
  const installed = attempt(() => statSync(path.join(modules, ".package-lock.json")).mtimeMs)
  const lock = statSync(path.join(root, "package-lock.json")).mtimeMs
  return installed !== undefined && installed >= lock ? "unstamped" : "stale"
}

const alive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === "EPERM"
  }
}

/** Makes a file that must not exist yet; false where it does. */
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
 * Whether the file's makers are gone without removing it: neither the script nor its npm, which goes on by itself when only the
 * script is killed, lives under the ids that the file holds. It is touched every two seconds, because ids alone would not do:
 * two containers may share the checkout, and ids are used again.
 */
const abandoned = (file) => {
  const age = attempt(() => Date.now() - statSync(file).mtimeMs)
  if (age === undefined) return false
  const pids = (attempt(() => readFileSync(file, "utf8")) ?? "").split(" ").map(Number)
  return (age > 10_000 && !pids.some((pid) => pid > 0 && alive(pid))) || age > 600_000
}

/** Runs the step while no other bootstrap of this checkout does. An abandoned mutex is removed by one process only. */
const alone = async (step) => {
  const removal = `${mutexFile}.removal`
  for (let waited = false; !create(mutexFile); waited = true) {
    if (!waited) say("another process installs the packages; waiting for it.")
    if (abandoned(mutexFile) && create(removal)) {
      if (abandoned(mutexFile)) rmSync(mutexFile, { force: true })
      rmSync(removal, { force: true })
    } else if (abandoned(removal)) {
      giveUp(`an earlier start was killed at a bad moment. Remove ${removal} and ${mutexFile}, and start again.`)
    }
    await setTimeout(200)
  }
  const beat = setInterval(() => attempt(() => utimesSync(mutexFile, new Date(), new Date())), 2000)
  const release = () => {
    clearInterval(beat)
    rmSync(mutexFile, { force: true })
  }
  process.once("exit", release)
  await step()
}

/**
 * `npm ci`, with the npm that runs us where there is one. The flags undo what an npm around us or NODE_ENV=production would
 * hand down: -s hides errors, and without the development packages there is no Node to run on.
 */
const install = () =>
  new Promise((resolve) => {
    const npm = process.env.npm_execpath ?? ""
    // The Node that npm runs on: the one that runs us may stand in node_modules, which is about to be removed.
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
const isNewEnough = ([major, minor]) => major > oldest[0] || (major === oldest[0] && minor >= oldest[1])

/** The version of the Node that npm's scripts will find, as [24, 21]: the installed one, else the one that runs us. */
const nodeVersion = () => {
  const windows = process.platform === "win32"
  const bin = path.join(modules, ".bin", windows ? "node.cmd" : "node")
  const { status, stdout } = spawnSync(bin, ["--version"], { encoding: "utf8", shell: windows })
  if (status === 0) return versionOf(stdout)
  // The installed one does not run here (it finds no loader on NixOS), and npm's scripts would find it first all the same.
  const ours = versionOf(process.version)
  if (!windows && isNewEnough(ours) && attempt(() => lstatSync(bin)) !== undefined) {
    rmSync(bin, { force: true })
    symlinkSync(process.execPath, bin)
  }
  return ours
}

const checkNode = () => {
  const [major, minor] = nodeVersion()
  if (isNewEnough([major, minor])) return
  const isBrought = attempt(() => statSync(path.join(modules, "node"))) !== undefined
  giveUp(
    `this project needs Node ${oldest.join(".")} or newer, and this is Node ${major}.${minor}. The package "node" brings one along, ` +
      (isBrought
        ? "but its install script has not run (npm's ignore-scripts or allow-scripts setting, or no network). Run " +
          `"npm rebuild node --ignore-scripts=false --foreground-scripts", or install a newer Node, and start again.`
        : `but was left out (by "npm ci --omit=dev"). Install a newer Node, or run "npm ci", and start again.`)
  )
}

const stamp = () => attempt(() => writeFileSync(stampFile, `${wanted}\n`))

const bringUpToDate = async () => {
  if (state() === "stale") {
    say("installing the packages (npm ci); this happens once and takes up to a minute.")
    const failure = await install()
    if (failure !== undefined) {
      giveUp(`npm ci failed (${failure}); its own words are above. It needs the network. Start again to try once more.`)
    }
  }
  checkNode()
  stamp()
}

if (state() === "unstamped") {
  checkNode()
  stamp()
} else if (state() !== "stamped") {
  await alone(bringUpToDate)
}
process.exit(0)
