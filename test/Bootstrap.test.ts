/**
 * `scripts/bootstrap.mjs` in a project of its own, with a program in place of npm that records how it was called.
 */
import { execFileSync, type SpawnOptions, spawn } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"

const scripts = path.resolve(import.meta.dirname, "../scripts")

/** The development packages that the build needs, as the script lists them. */
const buildPackages: ReadonlyArray<string> = JSON.parse(
  /(?<=const buildPackages = )\[[^\]]*\]/.exec(readFileSync(path.join(scripts, "bootstrap.mjs"), "utf8"))?.[0] ?? "[]"
)
const oldNode = `data:text/javascript,Object.defineProperty(process, "version", { value: "v20.1.0" })`
const tooOld =
  "hydracore: this project needs Node 22.19 or newer, and this is Node 20.1: install Node 24 from https://nodejs.org/en/download, and start again.\n"

/** Installs one package for the service, those of the build, and one for development, as npm does. Fails if the file `offline` exists. */
const npm = `
const { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } = require("node:fs")
const args = process.argv.slice(2)
appendFileSync("npm-calls", args.join(" ") + "\\n")
if (args[0] === "ci") rmSync("node_modules", { recursive: true, force: true })
for (const name of ["effect", ...${JSON.stringify(buildPackages)}]) mkdirSync("node_modules/" + name, { recursive: true })
if (existsSync("offline")) process.exit(1)
if (args.includes("--include=dev")) mkdirSync("node_modules/vitest", { recursive: true })
writeFileSync("node_modules/.package-lock.json", "{}")
`

interface Ended {
  readonly code: number | null
  readonly stderr: string
}

const run = (root: string, args: ReadonlyArray<string>, options: SpawnOptions = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"], cwd: root, ...options })
    let stderr = ""
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    child.once("error", reject)
    child.once("close", (code) => resolve({ code, stderr }))
  })

const project = Effect.acquireRelease(
  Effect.sync(() => {
    const root = mkdtempSync(path.join(tmpdir(), "hydracore-bootstrap-"))
    const at = (...names: ReadonlyArray<string>) => path.join(root, ...names)
    mkdirSync(at("scripts"))
    for (const name of ["bootstrap.mjs", "built.mjs", "lock.mjs"])
      copyFileSync(path.join(scripts, name), at("scripts", name))
    // The files that were built from no sources never change.
    mkdirSync(at("built"))
    writeFileSync(at("built", "sources.json"), "{}")
    const devDependencies = Object.fromEntries([...buildPackages, "vitest"].map((name) => [name, "1.0.0"]))
    writeFileSync(at("package.json"), JSON.stringify({ dependencies: { effect: "1.0.0" }, devDependencies }))
    writeFileSync(at("package-lock.json"), "{}")
    writeFileSync(at("npm-cli.js"), npm)
    const env = { ...process.env, npm_execpath: at("npm-cli.js"), npm_node_execpath: process.execPath }
    const calls = (): ReadonlyArray<string> => {
      const text = readFileSync(at("npm-calls"), { encoding: "utf8", flag: "a+" })
      rmSync(at("npm-calls"))
      return text.split("\n").slice(0, -1)
    }
    return {
      at,
      root,
      /** Runs the script for the commands that need these packages. */
      bootstrap: (set: "service" | "all", ...flags: ReadonlyArray<string>) =>
        Effect.promise(() =>
          run(root, [...flags, at("scripts", "bootstrap.mjs"), ...(set === "all" ? ["all"] : [])], { env })
        ),
      /** How npm was called since the last look. */
      calls
    }
  }),
  ({ root }) => Effect.sync(() => rmSync(root, { recursive: true, force: true }))
)

const flags = "--include=optional --ignore-scripts --loglevel=error --no-audit --no-fund --no-update-notifier"
const serviceAnew = `install --no-save --omit=dev --save-prod ${buildPackages.map((name) => `${name}@1.0.0`).join(" ")} ${flags}`
const allAnew = `ci --include=dev ${flags}`
const allAdded = `install --no-save --include=dev ${flags}`

describe("bootstrap", () => {
  it.live("installs the packages of the service first, and adds the others when a command needs them", () =>
    Effect.gen(function* () {
      const { bootstrap, calls } = yield* project
      for (const [set, expected] of [
        ["service", [serviceAnew]],
        ["service", []],
        ["all", [allAdded]],
        ["all", []],
        ["service", []]
      ] as const) {
        assert.strictEqual((yield* bootstrap(set)).code, 0)
        assert.deepStrictEqual(calls(), expected)
      }
    }).pipe(Effect.scoped)
  )

  it.live("updates what is installed when package-lock.json changes, and removes no development packages", () =>
    Effect.gen(function* () {
      const { at, bootstrap, calls } = yield* project
      yield* bootstrap("all")
      assert.deepStrictEqual(calls(), [allAnew])
      writeFileSync(at("package-lock.json"), `{"changed":true}`)
      yield* bootstrap("service")
      assert.deepStrictEqual(calls(), [allAdded])
      // As `npm prune` and an interrupted `npm ci` do.
      rmSync(at("node_modules", "vitest"), { recursive: true })
      yield* bootstrap("all")
      assert.deepStrictEqual(calls(), [allAdded])
      rmSync(at("node_modules", "effect"), { recursive: true })
      yield* bootstrap("service")
      assert.deepStrictEqual(calls(), [serviceAnew])
      yield* bootstrap("all")
      assert.deepStrictEqual(calls(), [allAdded])
      // As an earlier version of the script wrote it.
      writeFileSync(at("node_modules", ".hydracore-lock"), "hash\n")
      yield* bootstrap("service")
      assert.deepStrictEqual(calls(), [allAdded])
    }).pipe(Effect.scoped)
  )

  it.live("installs anew after an installation that did not end, and says what to do", () =>
    Effect.gen(function* () {
      const { at, bootstrap, calls } = yield* project
      yield* bootstrap("service")
      writeFileSync(at("offline"), "")
      const failed = yield* bootstrap("all")
      assert.strictEqual(failed.code, 1)
      assert.include(failed.stderr, "It needs the network. Start again to retry.")
      rmSync(at("offline"))
      assert.strictEqual((yield* bootstrap("all")).code, 0)
      assert.deepStrictEqual(calls(), [serviceAnew, allAdded, allAnew])
    }).pipe(Effect.scoped)
  )

  it.live("runs npm once if several commands start together", () =>
    Effect.gen(function* () {
      const { bootstrap, calls } = yield* project
      const ended = yield* Effect.all([bootstrap("all"), bootstrap("service"), bootstrap("all")], { concurrency: 3 })
      for (const { code, stderr } of ended) assert.strictEqual(code, 0, stderr)
      // If the service's packages are first, the others are added.
      const made = calls()
      assert.isTrue(made.join() === allAnew || made.join() === [serviceAnew, allAdded].join(), made.join())
    }).pipe(Effect.scoped)
  )

  for (const [packages, expected] of [
    // By `npm ci --omit=dev`: `built` is current.
    [["effect"], [allAdded]],
    [["effect", ...buildPackages], [allAdded]],
    [["effect", ...buildPackages, "vitest"], []]
  ] as const) {
    it.live(`accepts what \`npm ci\` installed by hand: ${packages.join(", ")}`, () =>
      Effect.gen(function* () {
        const { at, bootstrap, calls } = yield* project
        for (const name of packages) mkdirSync(at("node_modules", name), { recursive: true })
        writeFileSync(at("node_modules", ".package-lock.json"), "{}")
        yield* bootstrap("service")
        assert.deepStrictEqual(calls(), [])
        yield* bootstrap("all")
        assert.deepStrictEqual(calls(), expected)
      }).pipe(Effect.scoped)
    )
  }

  it.live("adds the packages of the build if they are needed, and deletes nothing", () =>
    Effect.gen(function* () {
      const { at, bootstrap, calls } = yield* project
      mkdirSync(at("node_modules", "effect"), { recursive: true })
      writeFileSync(at("node_modules", "effect", "kept"), "")
      writeFileSync(at("node_modules", ".package-lock.json"), "{}")
      writeFileSync(at("built", "sources.json"), `{"package.json":""}`)
      yield* bootstrap("service")
      assert.deepStrictEqual(calls(), [serviceAnew])
      assert.isTrue(existsSync(at("node_modules", "effect", "kept")))
    }).pipe(Effect.scoped)
  )

  it.live("links the Node of the packages, which npm 10 does not", () =>
    Effect.gen(function* () {
      const { at, bootstrap } = yield* project
      const folder = at("node_modules", `node-${process.platform}-${process.arch}`, "bin")
      mkdirSync(folder, { recursive: true })
      for (const name of ["effect", ...buildPackages]) mkdirSync(at("node_modules", name), { recursive: true })
      writeFileSync(path.join(folder, "node"), "#!/bin/sh\necho v24.1.0\n", { mode: 0o755 })
      writeFileSync(at("node_modules", ".package-lock.json"), "{}")
      assert.deepStrictEqual(yield* bootstrap("service", "--import", oldNode), { code: 0, stderr: "" })
      assert.strictEqual(execFileSync(at("node_modules", ".bin", "node"), { encoding: "utf8" }), "v24.1.0\n")
    }).pipe(Effect.scoped)
  )

  it.live("replaces a Node of the packages that does not run on this machine by the one that runs the script", () =>
    Effect.gen(function* () {
      const { at, bootstrap } = yield* project
      for (const name of ["effect", ...buildPackages]) mkdirSync(at("node_modules", name), { recursive: true })
      for (const name of [`node-${process.platform}-${process.arch}/bin`, ".bin"]) {
        mkdirSync(at("node_modules", name), { recursive: true })
        writeFileSync(at("node_modules", name, "node"), "no program", { mode: 0o755 })
      }
      writeFileSync(at("node_modules", ".package-lock.json"), "{}")
      assert.deepStrictEqual(yield* bootstrap("service"), { code: 0, stderr: "" })
      assert.strictEqual(realpathSync(at("node_modules", ".bin", "node")), realpathSync(process.execPath))
    }).pipe(Effect.scoped)
  )

  it.live("names the Node to install if it is too old and the packages contain none for this machine", () =>
    Effect.gen(function* () {
      const { bootstrap } = yield* project
      const installed = yield* bootstrap("service", "--import", oldNode)
      assert.strictEqual(installed.code, 1)
      assert.isTrue(installed.stderr.endsWith(tooOld), installed.stderr)
      assert.deepStrictEqual(yield* bootstrap("service", "--import", oldNode), { code: 1, stderr: tooOld })
    }).pipe(Effect.scoped)
  )
})
