import { spawn } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, PlatformError, Redacted, Sink } from "effect"
import { TestClock } from "effect/testing"
import { ndjson } from "../../../src/forms/SubmissionExport.ts"
import { read } from "../../support/CsvReader.ts"
import * as Program from "../../support/Program.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { run } from "../../support/TestCli.ts"
import { site, storage, submission } from "../../support/TestStorage.ts"

const exportOf = (...more: ReadonlyArray<string>) => ["submissions", "export", "--site", site.websiteConfigId, ...more]

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

/** The columns of a submission's attribution. */
const attribution = ["source", "medium", "campaign", "referrer", "entry_page"]

describe("submissions export", () => {
  it.effect("ndjson has one line per submission, latest first", () =>
    Effect.gen(function* () {
      for (const count of [0, 1, 64, 65, 333]) {
        const ended = yield* run(exportOf("--format", "ndjson"), storage({ submissions: count }))
        assert.deepStrictEqual(ended, {
          code: 0,
          stderr: "",
          stdout: numbers(1, count)
            .reverse()
            .map((number) => ndjson(submission(number)))
            .join("")
        })
      }
    })
  )

  it.effect("csv has a header with the form's fields and all submissions, and no cell is a formula", () =>
    Effect.gen(function* () {
      const ended = yield* run(exportOf("--format", "csv"), storage({ submissions: 130 }))
      const [header, ...records] = read(ended.stdout)
      assert.deepStrictEqual(header?.slice(0, 14), [
        ...["submission_id", "received_at", "status", "reasons", "email", "page_slug", ...attribution],
        ...["number", "big", "text"]
      ])
      assert.strictEqual(records.length, 130)
      const second = submission(2)
      assert.deepStrictEqual(records[128]?.slice(0, 6), [
        ...[second.submissionId, "2026-01-01T00:00:02.000Z", "accepted", "", `'${second.email}`, ""]
      ])
      assert.strictEqual(read((yield* run(exportOf("--format", "csv"), storage())).stdout).length, 1)
    })
  )

  it.effect("--json prints one array of the same objects and rejects csv", () =>
    Effect.gen(function* () {
      for (const count of [0, 1, 130]) {
        const lines = (yield* run(exportOf(), storage({ submissions: count }))).stdout.split("\n").slice(0, -1)
        const ended = yield* run(exportOf("--json"), storage({ submissions: count }))
        assert.deepStrictEqual(
          JSON.parse(ended.stdout),
          lines.map((line) => JSON.parse(line))
        )
      }
      const refused = yield* run(exportOf("--json", "--format", "csv"), storage({ submissions: 1 }))
      assert.deepStrictEqual(refused, {
        code: 1,
        stdout: "",
        stderr: '{"error":{"message":"The flags --json and --format csv cannot be combined."}}\n'
      })
    })
  )

  it.effect("escapes control characters", () =>
    Effect.gen(function* () {
      for (const flags of [[], ["--json"], ["--format", "csv"]]) {
        const piped = yield* run(exportOf(...flags), storage({ submissions: 3 }))
        const shown = yield* run(exportOf(...flags), storage({ submissions: 3 }), { isTerminal: true })
        assert.match(piped.stdout, /^[^\p{Cc}]*(\r?\n[^\p{Cc}]*)*$/u)
        assert.include(piped.stdout, "\\u009b")
        assert.strictEqual(shown.stdout, piped.stdout)
      }
    })
  )

  it.effect("--since accepts a duration or a time", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(site.createdAt + 100_000)
      for (const [since, first] of [
        ["10s", 90],
        ["2026-01-01T00:01:00Z", 60],
        ["2026-01-01T02:01:00+02:00", 60],
        ["2026-01-01", 1]
      ] as const) {
        const ended = yield* run(exportOf("--since", since), storage({ submissions: 100 }))
        assert.strictEqual(
          ended.stdout,
          numbers(first, 100)
            .reverse()
            .map((number) => ndjson(submission(number)))
            .join(""),
          since
        )
      }
      for (const since of ["yesterday", "2026-02-30", "2026-01-01T00:00:00"]) {
        const ended = yield* run(exportOf("--since", since), storage({ submissions: 100 }))
        assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" })
        assert.match(ended.stderr, /^The flag --since must be a time such as [^\n]*\.\n$/)
      }
    })
  )

  it.effect("an unknown website is an error of one sentence", () =>
    Effect.gen(function* () {
      const ended = yield* run(["submissions", "export", "--site", site.trackingToken, "--json"], storage())
      assert.deepStrictEqual(ended, {
        code: 1,
        stdout: "",
        stderr: `{"error":{"message":"There is no website ${site.trackingToken}; \`hydracore site list\` lists them."}}\n`
      })
    })
  )

  it.effect("backpressure reaches the storage", () =>
    Effect.gen(function* () {
      let furthest = 0
      const begun = yield* Deferred.make<void>()
      const source = storage({
        submissions: 1_000_000,
        onRead: (number) => {
          furthest = 1_000_001 - number
        }
      })
      const stdout = Sink.forEachArray(() => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
      const fiber = yield* Effect.forkScoped(run(exportOf(), source, { stdout }))
      yield* Deferred.await(begun)
      for (let turn = 0; turn < 1000; turn++) yield* Effect.yieldNow
      assert.isAtLeast(furthest, 1)
      assert.isBelow(furthest, 1000)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("a closed stdout ends a command without an error, and any other failed write with an error", () =>
    Effect.gen(function* () {
      const failing = (code: string) =>
        Sink.forEachArray(() =>
          Effect.fail(
            PlatformError.systemError({
              _tag: "Unknown",
              module: "Stdio",
              method: "stdout",
              cause: Object.assign(new Error(`write ${code}`), { code })
            })
          )
        )
      for (const args of [exportOf(), ["site", "list"], ["--help"]]) {
        const closed = yield* run(args, storage({ submissions: 1000 }), { stdout: failing("EPIPE") })
        assert.deepStrictEqual(closed, { code: 0, stdout: "", stderr: "" })
      }
      const full = yield* run(exportOf(), storage({ submissions: 1000 }), { stdout: failing("ENOSPC") })
      assert.deepStrictEqual(full, { code: 1, stdout: "", stderr: "The output could not be written (ENOSPC).\n" })
    })
  )
})

/** The environment of a command on a database with submissions of 60 kB each: many small ones would take more processor time. */
const filled = Effect.fnUntraced(function* (count: number) {
  const connection = yield* TestDatabase.connection
  const sql = yield* TestDatabase.clientOf(connection)
  const { hostedWebsiteId, trackingToken, websiteConfigId } = site
  yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
    VALUES (${websiteConfigId}::uuid, ${hostedWebsiteId}::uuid, ${trackingToken}::uuid, 'Example')`
  yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
    SELECT gen_random_uuid(), ${websiteConfigId}::uuid, timestamptz '2026-01-01 00:00Z' + n * interval '1 second',
      json_build_object('message', repeat('x', 60000))
    FROM generate_series(1, ${count}::int) AS n`
  return { DATABASE_URL: Redacted.value(connection.url), DATABASE_TIMEOUT: "1 minute" }
})

describe("submissions export, as a process", () => {
  it.live("writes 69 MB with a heap of 64 MB", () =>
    Effect.gen(function* () {
      // In the small young generation that Node derives from this heap, collecting garbage takes half of the processor time.
      const heap = ["--max-old-space-size=64", "--max-semi-space-size=8"]
      const env = yield* filled(1_150)
      const program = yield* Program.main
      yield* Effect.promise(async () => {
        const child = spawn(process.execPath, [...heap, program, ...exportOf()], { env })
        const closed = once(child, "close")
        const errors = text(child.stderr)
        let lines = 0
        let bytes = 0
        for await (const part of child.stdout as AsyncIterable<Buffer>) {
          bytes += part.length
          for (let at = part.indexOf(0x0a); at !== -1; at = part.indexOf(0x0a, at + 1)) lines++
        }
        assert.deepStrictEqual(await closed, [0, null])
        assert.strictEqual(await errors, "")
        assert.strictEqual(lines, 1_150)
        assert.isAbove(bytes, 69_000_000)
      })
    }).pipe(Effect.scoped)
  )

  it.live("ends quietly when its reader closes the pipe", () =>
    Effect.gen(function* () {
      const env = yield* filled(200)
      const program = yield* Program.main
      yield* Effect.promise(async () => {
        const child = spawn(process.execPath, [program, ...exportOf("--format", "csv")], { env })
        const closed = once(child, "close")
        const errors = text(child.stderr)
        const [first] = (await once(child.stdout, "data")) as [Buffer]
        assert.isTrue(first.toString("utf8").startsWith('"submission_id"'))
        child.stdout.destroy()
        assert.deepStrictEqual(await closed, [0, null])
        assert.strictEqual(await errors, "")
      })
    }).pipe(Effect.scoped)
  )
})
