/**
 * Installs the packages of package-lock.json if they are missing or outdated, and then makes `built` (`built.mjs`) if it is. Runs
 * before the npm scripts. `node scripts/bootstrap.mjs` installs the packages that the service, its demo and the build need; with the
 * argument `all`, it also installs the other development packages, which tests and checks need.
 *
 * Plain JavaScript without dependencies: on a fresh clone it runs with the Node that is installed, from 18 on. On Linux, the
 * packages include the Node that the project runs on; npm looks for it when this script has exited.
 *
 * All messages go to standard error, because the following command may print a document on standard output. Several instances
 * may run at once: one installs, the others wait. If the packages are up to date, the script takes a few milliseconds.
 */
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { lstatSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import * as Built from "./built.mjs"
import { attempt, withLock } from "./lock.mjs"

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..")
const modules = path.join(root, "node_modules")
/** What `npm` itself writes at the end of an installation. */
const npmStampFile = path.join(modules, ".package-lock.json")
/** Holds the hash of the package-lock.json that the packages were installed from, and their set. Written last. */
const stampFile = path.join(modules, ".hydracore-lock")
/** Held by the process that installs. Not in node_modules, because that folder may be removed first. */
const mutexFile = path.join(root, ".bootstrap.lock")
const oldestNode = [22, 19]

const log = (text) => process.stderr.write(`hydracore: ${text}\n`)

/** Exits with a message, which also ends the npm command. */
const fail = (text) => {
  log(text)
  process.exit(1)
}

const packageLock = path.join(root, "package-lock.json")
const packageLockHash = createHash("sha256").update(readFileSync(packageLock)).digest("hex")

/** The development packages that the build needs. */
const buildPackages = [
  "@speed-highlight/core",
  "esbuild",
  "marked",
  "minisearch",
  "preact",
  "streaming-markdown",
  "uplot"
]

/** The set of packages that the command needs: `all` includes `service`. */
const wanted = process.argv[2] === "all" ? "all" : "service"

const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"))
const isInstalled = (name) => attempt(() => statSync(path.join(modules, name))) !== undefined

/** The sets of packages, each of which includes those before: `runtime` is what the service needs if `built` is current. */
const sets = ["runtime", "service", "all"]

/**
 * The hash and the set of a complete installation; undefined if there is none. Without this script's stamp, the packages are
 * complete if `npm ci` was run by hand after package-lock.json was last changed. The folders are checked, too, because `npm ci`
 * of npm 9 and `npm prune` keep the stamp.
 */
const installation = () => {
  if (!Object.keys(manifest.dependencies).every(isInstalled)) return undefined
  const isComplete = Object.keys(manifest.devDependencies).every(isInstalled)
  const largest = isComplete ? "all" : buildPackages.every(isInstalled) ? "service" : "runtime"
  // Earlier versions of this script installed all packages, and wrote the hash only.
  const [hash, set = "all"] = (attempt(() => readFileSync(stampFile, "utf8")) ?? "").trim().split(" ")
  // With another package-lock.json, a package that is missing may be new in it.
  if (hash !== packageLockHash && hash !== "") return { hash, set, isStamped: true }
  if (hash !== "") return { hash, set: sets[Math.min(sets.indexOf(set), sets.indexOf(largest))], isStamped: true }
  const installedAt = attempt(() => statSync(npmStampFile).mtimeMs)
  if (installedAt === undefined || installedAt < statSync(packageLock).mtimeMs) return undefined
  return { hash: packageLockHash, set: largest, isStamped: false }
}

const isSufficient = (found) => {
  if (found === undefined || found.hash !== packageLockHash) return false
  return sets.indexOf(found.set) >= sets.indexOf(wanted) || (wanted === "service" && Built.isCurrent())
}

/**
 * Runs the npm that started this script, if any. `install` adds what is missing, so that a demo that runs keeps its files. For the
 * set `service`, it takes the packages of the build for dependencies. The flags override inherited settings: `-s` of that npm would
 * hide errors, and NODE_ENV=production would leave out the development packages. No package needs its install script.
 */
const npm = (subcommand, set, own) =>
  new Promise((resolve) => {
    const program = process.env.npm_execpath ?? ""
    // The Node that npm runs on: the one that runs this script may be in node_modules, which was removed.
    const node = process.env.npm_node_execpath ?? process.execPath
    const args = [
      ...(subcommand === "ci" ? ["ci"] : ["install", "--no-save"]),
      ...(set === "all"
        ? ["--include=dev"]
        : ["--omit=dev", "--save-prod", ...buildPackages.map((name) => `${name}@${manifest.devDependencies[name]}`)]),
      "--include=optional",
      "--ignore-scripts",
      "--loglevel=error",
      "--no-audit",
      "--no-fund",
      "--no-update-notifier"
    ]
    const [command, first] = path.basename(program) === "npm-cli.js" ? [node, [program]] : ["npm", []]
    const child = spawn(command, [...first, ...args], {
      cwd: root,
      shell: command === "npm" && process.platform === "win32",
      stdio: ["ignore", 2, 2]
    })
    if (child.pid !== undefined) own(child.pid)
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

/**
 * Links the Node of the packages in `node_modules/.bin`, where npm's scripts find it first, and returns the version of the Node
 * that they use. npm 10 and older remove that link, because the packages for other machines have the same one.
 */
const linkNode = () => {
  const link = path.join(modules, ".bin", "node")
  const replace = (target) => {
    rmSync(link, { force: true })
    mkdirSync(path.dirname(link), { recursive: true })
    symlinkSync(target, link)
  }
  const installed = path.join(modules, `node-${process.platform}-${process.arch}`, "bin", "node")
  const { status, stdout } = spawnSync(installed, ["--version"], { encoding: "utf8" })
  if (status === 0) {
    if (attempt(() => realpathSync(link)) !== realpathSync(installed))
      replace(path.relative(path.dirname(link), installed))
    return versionOf(stdout)
  }
  // It does not run here: NixOS and Alpine have no loader for it.
  const current = versionOf(process.version)
  if (isNewEnough(current) && attempt(() => lstatSync(link)) !== undefined) replace(process.execPath)
  return current
}

const checkNode = () => {
  const [major, minor] = linkNode()
  if (isNewEnough([major, minor])) return
  fail(
    `this project needs Node ${oldestNode.join(".")} or newer, and this is Node ${major}.${minor}: install Node 24 from ` +
      "https://nodejs.org/en/download, and start again."
  )
}

const stamp = (set) => attempt(() => writeFileSync(stampFile, `${packageLockHash} ${set}\n`))

const update = async (own) => {
  const found = installation()
  if (isSufficient(found)) return
  // Never fewer packages than before: another command may need the rest.
  const set = found?.set === "all" ? "all" : wanted
  const subcommand = found === undefined && set === "all" ? "ci" : "install"
  log(`installing the packages (npm ${subcommand}). This happens once and takes up to a minute.`)
  // What a killed installation left may be incomplete. Without these files, an installation that is killed counts as such.
  for (const stale of found === undefined ? [modules] : [stampFile, npmStampFile]) {
    rmSync(stale, { recursive: true, force: true })
  }
  const failure = await npm(subcommand, set, own)
  if (failure !== undefined) {
    fail(`npm ${subcommand} failed (${failure}); its messages are above. It needs the network. Start again to retry.`)
  }
  checkNode()
  stamp(set)
}

try {
  const found = installation()
  if (!isSufficient(found)) {
    await withLock(mutexFile, () => log("another process is installing the packages; waiting for it."), update)
  } else if (!found.isStamped) {
    checkNode()
    stamp(found.set)
  }
  await Built.update()
} catch (error) {
  fail(error.message)
}
process.exit(0)
