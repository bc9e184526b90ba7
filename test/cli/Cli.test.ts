import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { TestConsole } from "effect/testing"
import { StorageUnavailable } from "../../src/platform/Storage.ts"
import { NotReady, Readiness } from "../../src/server/Readiness.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import type { Storage } from "../support/MemoryStorage.ts"
import { run } from "../support/TestCli.ts"
import { onPostgres, site, storage, submissions } from "../support/TestStorage.ts"

/** A storage that must not be built. */
const unusedStorage: Layer.Layer<Storage> = Layer.effectContext(Effect.die("The storage was opened."))

/** One line, one sentence, and no implementation details. */
const assertSentence = (stderr: string) => {
  assert.match(stderr, /^[A-Z][^\n]*[.?]\n$/)
  assert.notMatch(stderr, /Error|undefined|\[object|[{}]|\bat [/\w]*[:(]/)
}

const instanceId = "6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"
const commandLines: ReadonlyArray<ReadonlyArray<string>> = [
  ["site", "list"],
  ["site", "create", "--name", "A"],
  ["site", "update", "--site", site.websiteConfigId, "--any-origin"],
  ["instance", "list"],
  ["instance", "create", "--name", "A", "--agent-url", "http://localhost:9000"],
  ["submissions", "export", "--site", site.websiteConfigId],
  ["stats", "--site", site.websiteConfigId]
]

describe("cli/Cli", () => {
  it.effect("a command prints exactly one document for --json, wherever the flag is", () =>
    Effect.gen(function* () {
      const services = Layer.succeedContext(
        yield* Layer.build(Layer.merge(onPostgres, submissions({ submissions: 3 })))
      )
      for (const args of commandLines) {
        for (let index = 0; index <= args.length; index++) {
          // --json cannot be between a flag and its value.
          if (args[index - 1]?.startsWith("--") === true) continue
          const ended = yield* run([...args.slice(0, index), "--json", ...args.slice(index)], services)
          assert.deepStrictEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" })
          const document: unknown = JSON.parse(ended.stdout)
          assert.isTrue(typeof document === "object" && document !== null)
          assert.isTrue(ended.stdout.endsWith("\n"))
        }
      }
      assert.deepStrictEqual(yield* TestConsole.logLines, [])
    })
  )

  it.effect("help and the version succeed without storage", () =>
    Effect.gen(function* () {
      for (const args of [
        [],
        ["--help"],
        ["site", "--help"],
        ["stats", "-h"],
        ["token", "issue", "--help"],
        ["help"],
        ["help", "webhook", "create"],
        ["--version"]
      ]) {
        const ended = yield* run(args, unusedStorage)
        assert.deepStrictEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" })
        assert.include(ended.stdout, "hydracore")
      }
      const help = (yield* run(["--help"], unusedStorage)).stdout
      for (const name of ["site", "instance", "token", "key", "submissions", "stats", "--json"])
        assert.include(help, name)
      assert.strictEqual((yield* run(["help"], unusedStorage)).stdout, help)
      const { stdout } = yield* run(["help", "webhook", "create"], unusedStorage)
      assert.lengthOf(stdout.match(/^ +--url /gm) ?? [], 1)
      assert.match((yield* run(["--version"], unusedStorage)).stdout, /^hydracore \d+\.\d+\.\d+\n$/)
    })
  )

  it.effect("an invalid command line prints one sentence to stderr and does not build the storage", () =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["site"], "A command is missing after `hydracore site`"],
        [["goal"], "A command is missing after `hydracore goal`"],
        [["--json"], "A command is missing after `hydracore`"],
        [["sites"], 'There is no command "sites"'],
        [["site", "crate"], "did you mean create?"],
        [["help", "stast"], 'There is no command "stast" in `hydracore`; did you mean stats?'],
        [["stast", "--help"], 'There is no command "stast" in `hydracore`; did you mean stats?'],
        [["-h", "stast"], 'There is no command "stast" in `hydracore`; did you mean stats?'],
        [["help", "site", "crate"], 'There is no command "crate" in `hydracore site`; did you mean create?'],
        [["site", "create"], "The flag --name is missing"],
        [["site", "create", "--name"], "The flag --name needs a value"],
        [["site", "create", "--name", "--json"], "The flag --name needs a value"],
        [["site", "create", "--name", "a", "--name", "b"], "The flag --name is given 2 times; give it once."],
        [["site", "list", "--json", "--json"], "The flag --json is given 2 times; give it once."],
        [["site", "create", "--name", " "], "The flag --name must be a text of 1 to 200 characters"],
        [["site", "create", "--name", "é".repeat(201)], "The flag --name must be a text of 1 to 200 characters"],
        [["site", "create", "--nme", "a"], "did you mean --name?"],
        [["site", "create", "--jsn"], "in `hydracore site create`; did you mean --json?"],
        [["form", "reply", "list", "--website_config_id", "a"], "did you mean --site?"],
        [["form", "reply", "set", "--replyTo", "a"], "did you mean --reply-to?"],
        [["submissions", "release", "--submission", "a"], "did you mean --submission-id?"],
        [["site", "update", "--timezoen", "a"], "did you mean --time-zone?"],
        [
          ["goal", "list", "--id", "a"],
          "There is no flag --id in `hydracore goal list`; see `hydracore goal list --help`."
        ],
        [["site", "create", "--name", "a", "b"], 'not "b"'],
        [["submissions", "export", "--site", site.websiteConfigId, "--format", "xml"], "The flag --format takes"],
        [["submissions", "release", "--submission-id", "\u001b[2J"], "The flag --submission-id must be a UUID"],
        [["stats", "--site", site.websiteConfigId, "--days", "0"], "The flag --days must be a whole number"],
        [["stats", "--site", site.websiteConfigId, "--days", "1e2"], "The flag --days must be a whole number"],
        [["token", "revoke", "--token-id", "hwt_secret"], "The flag --token-id must be a UUID"]
      ]
      for (const [args, part] of wrong) {
        for (const more of args.includes("--json") ? [[]] : [[], ["--json"]]) {
          const ended = yield* run([...args, ...more], unusedStorage)
          assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" }, args.join(" "))
          const isJson = [...args, ...more].includes("--json")
          const sentence = isJson ? `${JSON.parse(ended.stderr).error.message}\n` : ended.stderr
          assertSentence(sentence)
          assert.include(sentence, part)
          assert.notInclude(ended.stderr, "\u001b")
        }
      }
    })
  )

  it.effect("errors do not repeat values that may be secrets", () =>
    Effect.gen(function* () {
      const secret = `hwt_${"sesame".repeat(7)}`
      const url = `https://edge:${secret}@edge.example`
      for (const args of [
        ["token", "revoke", "--token-id", secret],
        ["token", "issue", "--instance", secret],
        ["key", "revoke", "--key-id", secret],
        ["key", "issue", "--site", secret],
        ["stats", "--site", secret],
        ["stats", "--all-sites", "--by", secret],
        ["stats", "--all-sites", "--filter", secret],
        ["key", "issue", "--all-sites", "--scope", secret],
        ["token", "issue", "--instance", instanceId, "--expires", secret],
        ["token", "list", secret],
        ["token", secret],
        ["token", "revoke", "--token-id", instanceId, secret],
        ["submissions", "release", "--submission-id", secret],
        ["submissions", "export", "--site", site.websiteConfigId, "--format", secret],
        ["site", "create", "--name", secret.repeat(5)],
        ["site", "create", "--name", "a", "--origin", url],
        ["site", "snippet", "--site", site.websiteConfigId, "--base-url", url],
        ["instance", "update", "--instance", instanceId, `--agent-key=${secret}`]
      ]) {
        const ended = yield* run(args, storage())
        assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" }, args.join(" "))
        assertSentence(ended.stderr)
        assert.notInclude(ended.stderr, "sesame")
      }
    })
  )

  it.effect("help marks required flags and shows defaults", () =>
    Effect.gen(function* () {
      const help = (...args: ReadonlyArray<string>) =>
        Effect.map(run([...args, "--help"], unusedStorage), ({ stdout }) => stdout.split("\n"))
      const line = (lines: ReadonlyArray<string>, flag: string) => lines.find((text) => text.startsWith(`  --${flag} `))
      const stats = yield* help("stats")
      assert.match(line(stats, "limit") ?? "", / 10 unless given$/)
      const create = yield* help("instance", "create")
      for (const flag of ["name", "agent-url"]) assert.match(line(create, flag) ?? "", / \(required\)$/)
      for (const flag of ["agent-model", "agent-key-env", "origin"]) {
        assert.notInclude(line(create, flag) ?? "required", "required")
      }
      const exported = yield* help("submissions", "export")
      assert.match(line(exported, "site") ?? "", / \(required\)$/)
      assert.match(line(exported, "format") ?? "", /ndjson unless given/)
    })
  )

  it.effect.prop(
    "any command line exits with 0, or with 1 and one line",
    [
      Schema.Array(
        Schema.Union([
          Schema.Literals([
            "site",
            "list",
            "create",
            "stats",
            "--name",
            "--json",
            "--site",
            "--",
            "-",
            "--=",
            "-x=",
            "--help=2"
          ]),
          Schema.String
        ])
      ).check(Schema.isMaxLength(5))
    ],
    ([args]) =>
      Effect.gen(function* () {
        const ended = yield* run(args, storage())
        assert.oneOf(ended.code, [0, 1])
        if (ended.code === 1) {
          assert.strictEqual(ended.stdout, "")
          assert.match(ended.stderr, /^[^\n]+\n$/)
        } else {
          assert.strictEqual(ended.stderr, "")
        }
      })
  )

  it.effect("a command reports an unreachable, slow or unmigrated database in one sentence", () =>
    Effect.gen(function* () {
      const notReady = (reason: NotReady["reason"]) =>
        storage().pipe(
          Layer.merge(Layer.succeed(Readiness, Readiness.of({ check: Effect.fail(new NotReady({ reason })) })))
        )
      const cases = [
        [
          Layer.effectContext(Effect.fail(new StorageUnavailable({ reason: "unreachable" }))),
          "The database cannot be reached"
        ],
        [
          Layer.effectContext(Effect.fail(new StorageUnavailable({ reason: "timeout" }))),
          "The database did not answer in time"
        ],
        [
          Layer.effectContext(Effect.fail(new StorageUnavailable({ reason: "overloaded" }))),
          "The database is overloaded"
        ],
        [
          Layer.effectContext(Effect.fail(new StorageUnavailable({ reason: "read-only" }))),
          "Set DATABASE_URL to the primary"
        ],
        [notReady("database-unreachable"), "The database cannot be reached"],
        [notReady("database-not-migrated"), "npm run -s hydracore -- migrate"]
      ] as const
      for (const [layer, part] of cases) {
        for (const args of [...commandLines, ["token", "list", "--instance", instanceId]]) {
          const ended = yield* run([...args, "--json"], layer as Layer.Layer<Storage, StorageUnavailable>)
          assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" })
          const { message } = JSON.parse(ended.stderr).error
          assertSentence(`${message}\n`)
          assert.include(message, part)
        }
      }
    })
  )

  it.effect("a command is attempted even if the database accepts no writes", () =>
    Effect.gen(function* () {
      for (const reason of ["database-read-only", "database-denied", "database-not-storing"] as const) {
        const standby = storage().pipe(
          Layer.merge(Layer.succeed(Readiness, Readiness.of({ check: Effect.fail(new NotReady({ reason })) })))
        )
        for (const args of commandLines.filter(([, action]) => action !== "create")) {
          assert.deepStrictEqual(yield* run(args, standby), yield* run(args, storage()))
        }
      }
    })
  )

  it.effect("a command waits for a database that is slow to answer, but not for one that refuses it", () =>
    Effect.gen(function* () {
      for (const [code, checks] of [
        [undefined, 3],
        ["28P01", 1]
      ] as const) {
        let count = 0
        const check = Effect.suspend(() =>
          ++count > 2 ? Effect.void : Effect.fail(new NotReady({ reason: "database-unreachable", code }))
        )
        const busy = storage().pipe(Layer.merge(Layer.succeed(Readiness, Readiness.of({ check }))))
        const ended = yield* run(["site", "list"], busy)
        assert.deepStrictEqual([ended.code, count], [code === undefined ? 0 : 1, checks])
      }
    })
  )

  it.effect("logs go to stderr, and only with --log-level", () =>
    Effect.gen(function* () {
      const logging = Layer.provideMerge(Layer.effectDiscard(Effect.logWarning("a word of warning")), storage())
      const list = ["site", "list", "--json"]
      const quiet = yield* run(list, logging)
      assert.deepStrictEqual([quiet.code, quiet.stderr], [0, ""])
      assert.deepStrictEqual(yield* TestConsole.errorLines, [])
      const ended = yield* run([...list, "--log-level", "warn"], logging)
      assert.strictEqual(ended.code, 0)
      assert.isArray(JSON.parse(ended.stdout).sites)
      assert.deepStrictEqual(yield* TestConsole.logLines, [])
      assert.include((yield* TestConsole.errorLines).join(" "), "a word of warning")
    })
  )

  it.effect("a defect exits with 1 and is printed to stderr", () =>
    Effect.gen(function* () {
      const faulty = Layer.succeed(SiteDirectory, {
        byTrackingToken: () => Effect.die(new Error("a bug")),
        byWebsiteConfigId: () => Effect.die(new Error("a bug")),
        create: () => Effect.die(new Error("a bug")),
        update: () => Effect.die(new Error("a bug")),
        invalidate: () => Effect.die(new Error("a bug")),
        search: () => Effect.die(new Error("a bug")),
        list: Effect.die(new Error("a bug"))
      })
      const ended = yield* run(["site", "list"], Layer.merge(storage(), faulty))
      assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" })
      assert.include(ended.stderr, "a bug")
    })
  )
})
