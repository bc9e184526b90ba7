/**
 * `scripts/built.mjs` in a project of its own, with a build that counts its runs.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { pathToFileURL } from "node:url"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"

const scripts = path.resolve(import.meta.dirname, "../../scripts")

/** Builds one file of one source, and fails if the source says so. */
const build = `
import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import { sourcesFile, stateOf } from "../built.mjs"
appendFileSync("runs", "run\\n")
if (readFileSync("source", "utf8") === "fails") process.exit(1)
const sources = ["source", "folder", "node_modules/package"]
writeFileSync(sourcesFile, JSON.stringify(Object.fromEntries(sources.map((source) => [source, stateOf(source)]))))
`

const project = Effect.acquireRelease(
  Effect.sync(() => {
    const root = mkdtempSync(path.join(tmpdir(), "hydracore-built-"))
    for (const name of ["scripts/build", "folder", "node_modules/package"]) {
      mkdirSync(path.join(root, name), { recursive: true })
    }
    for (const name of ["built.mjs", "lock.mjs"]) {
      copyFileSync(path.join(scripts, name), path.join(root, "scripts", name))
    }
    writeFileSync(path.join(root, "package.json"), `{ "type": "module" }`)
    writeFileSync(path.join(root, "scripts/build/Assets.ts"), build)
    return root
  }),
  (root) => Effect.sync(() => rmSync(root, { recursive: true, force: true }))
)

it.live("builds once, again after a change or a failure, and never twice at the same time", () =>
  Effect.gen(function* () {
    const root = yield* project
    const source = (text: string) => writeFileSync(path.join(root, "source"), text)
    source("first")
    const { update } = yield* Effect.promise(
      (): Promise<{ readonly update: () => Promise<void> }> =>
        import(pathToFileURL(path.join(root, "scripts/built.mjs")).href)
    )
    const runs = () => readFileSync(path.join(root, "runs"), "utf8").split("\n").length - 1
    yield* Effect.promise(() => Promise.all([update(), update()]))
    assert.strictEqual(runs(), 1)
    yield* Effect.promise(update)
    assert.strictEqual(runs(), 1)
    source("changed")
    yield* Effect.promise(update)
    assert.strictEqual(runs(), 2)
    source("fails")
    const { cause } = yield* Effect.flip(Effect.tryPromise(update))
    assert.match(String(cause), /could not be built \(exit code 1\)/)
    source("mended")
    yield* Effect.promise(update)
    assert.strictEqual(runs(), 4)
  }).pipe(Effect.scoped)
)

it.live("does not build in a copy of the folder, also without the packages of the build", () =>
  Effect.gen(function* () {
    const root = yield* project
    const at = (...names: ReadonlyArray<string>) => path.join(root, ...names)
    writeFileSync(at("source"), "first")
    const { update } = yield* Effect.promise(
      (): Promise<{ readonly update: () => Promise<void> }> => import(pathToFileURL(at("scripts/built.mjs")).href)
    )
    const runs = () => readFileSync(at("runs"), "utf8").split("\n").length - 1
    yield* Effect.promise(update)
    // What a copy, an image or a checkout of another commit and back changes.
    for (const name of ["source", "folder"]) utimesSync(at(name), 1, 1)
    rmSync(at("node_modules"), { recursive: true })
    yield* Effect.promise(update)
    assert.strictEqual(runs(), 1)
    mkdirSync(at("node_modules/package"), { recursive: true })
    writeFileSync(at("folder", "added"), "")
    yield* Effect.promise(update)
    assert.strictEqual(runs(), 2)
  }).pipe(Effect.scoped)
)
