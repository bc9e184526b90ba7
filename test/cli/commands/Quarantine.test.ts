/**
 * The quarantine, the release and the deletion of submissions, and uncounted requests, on the command line.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import type { Submission } from "../../../src/forms/Submission.ts"
import * as Service from "../../../src/forms/SubmissionRepo.ts"
import { read } from "../../support/CsvReader.ts"
import * as DecisionCounts from "../../support/DecisionCounts.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site, submission } from "../../support/TestStorage.ts"

const submissions: ReadonlyArray<Submission> = [
  submission(1),
  { ...submission(2), status: "quarantined", reasons: ["honeypot", "links"] },
  { ...submission(3), reasons: ["repeated"] },
  { ...submission(4), status: "quarantined", reasons: ["links"] }
]

/** A command line on a storage with these submissions. */
const session = Effect.gen(function* () {
  const context = yield* Layer.build(onPostgres)
  yield* Service.SubmissionRepo.use((repo) =>
    Effect.forEach(submissions, (stored) => repo.submit({ ...stored, idempotency: null, visitorHashes: [] }))
  ).pipe(Effect.provide(context))
  const services = Layer.succeedContext(context)
  const lines = (...args: ReadonlyArray<string>) =>
    Effect.map(
      run(["submissions", "export", "--site", site.websiteConfigId, ...args], services),
      ({ code, stdout }) => {
        assert.strictEqual(code, 0)
        return stdout
          .split("\n")
          .slice(0, -1)
          .map((line) => JSON.parse(line) as Record<string, unknown>)
      }
    )
  return { context, services, lines }
})

const ids = (...numbers: ReadonlyArray<number>) => numbers.map((number) => submission(number).submissionId)
const idsOf = (lines: ReadonlyArray<Record<string, unknown>>) => lines.map((line) => line["submission_id"])

/** The columns of a submission's attribution. */
const attribution = ["source", "medium", "campaign", "referrer", "entry_page"]

describe("submissions: the quarantine", () => {
  it.effect("an export has accepted submissions, or with --status those of a status, each with its reasons", () =>
    Effect.gen(function* () {
      const { services, lines } = yield* session
      const plain = yield* lines()
      assert.deepStrictEqual(idsOf(plain), ids(3, 1))
      assert.deepStrictEqual(Object.keys(plain[0]!), [
        ...["submission_id", "received_at", "email", "page_slug", "status", "reasons", ...attribution, "form_data"]
      ])

      const accepted = yield* lines("--status", "accepted")
      assert.deepStrictEqual(idsOf(accepted), ids(3, 1))
      assert.deepInclude(accepted[0], { status: "accepted", reasons: ["repeated"] })

      const quarantined = yield* lines("--status", "quarantined")
      assert.deepStrictEqual(idsOf(quarantined), ids(4, 2))
      assert.deepInclude(quarantined[1], { status: "quarantined", reasons: ["honeypot", "links"] })

      const export_ = ["submissions", "export", "--site", site.websiteConfigId, "--status", "quarantined"]
      const table = read((yield* run([...export_, "--format", "csv"], services)).stdout)
      assert.deepStrictEqual(table[0]?.slice(2, 4), ["status", "reasons"])
      assert.deepStrictEqual(table[2]?.slice(2, 4), ["quarantined", "honeypot links"])
      const array = JSON.parse((yield* run([...export_, "--json"], services)).stdout) as ReadonlyArray<
        Record<string, unknown>
      >
      assert.deepStrictEqual(array, quarantined)

      const wrong = yield* run([...export_.slice(0, -1), "spam"], services)
      assert.deepInclude(wrong, { code: 1, stdout: "" })
      assert.match(wrong.stderr, /^The flag --status takes [^\n]*accepted[^\n]*\n$/)
    })
  )

  it.effect("a released submission is exported in order with the others", () =>
    Effect.gen(function* () {
      const { services, lines } = yield* session
      const release = (id: string, ...more: ReadonlyArray<string>) =>
        run(["submissions", "release", "--submission-id", id, ...more], services)
      const [id] = ids(2)
      assert.deepStrictEqual(yield* release(id!.toUpperCase(), "--json"), {
        code: 0,
        stdout: `{"submission_ids":["${id}"],"not_found":[]}\n`,
        stderr: ""
      })
      assert.deepStrictEqual(yield* release(id!), {
        code: 0,
        stdout: `The submission ${id} is accepted.\n`,
        stderr: ""
      })
      assert.deepStrictEqual(idsOf(yield* lines()), ids(3, 2, 1))
      assert.deepInclude((yield* lines("--status", "accepted"))[1], { reasons: ["honeypot", "links"] })
      assert.deepStrictEqual(idsOf(yield* lines("--status", "quarantined")), ids(4))
      const [unknown] = ids(9)
      assert.deepStrictEqual(yield* release(unknown!), {
        code: 1,
        stdout: "",
        stderr: `There is no submission ${unknown}; \`hydracore submissions list --site <website_config_id>\` lists them.\n`
      })
    })
  )
})

describe("submissions: erasure", () => {
  it.effect("a deleted submission is in no export, accepted or quarantined", () =>
    Effect.gen(function* () {
      const { services, lines } = yield* session
      const remove = (id: string, ...more: ReadonlyArray<string>) =>
        run(["submissions", "delete", "--submission-id", id, ...more], services)
      const [accepted, quarantined, unknown] = ids(1, 2, 9)
      assert.deepStrictEqual(yield* remove(accepted!.toUpperCase(), "--json"), {
        code: 0,
        stdout: `{"submission_ids":["${accepted}"],"not_found":[]}\n`,
        stderr: ""
      })
      assert.deepStrictEqual(yield* remove(quarantined!), {
        code: 0,
        stdout: `The submission ${quarantined} is deleted. \`hydracore submissions restore --submission-id ${quarantined}\` restores it within 30 days.\n`,
        stderr: ""
      })
      assert.deepStrictEqual(idsOf(yield* lines()), ids(3))
      assert.deepStrictEqual(idsOf(yield* lines("--status", "quarantined")), ids(4))
      assert.deepStrictEqual(yield* remove(unknown!), {
        code: 1,
        stdout: "",
        stderr: `There is no submission ${unknown}; \`hydracore submissions list --site <website_config_id>\` lists them.\n`
      })
    })
  )
})

describe("stats: what was not counted", () => {
  it.effect("lists reasons by count and leaves out zeros", () =>
    Effect.gen(function* () {
      const { context, services } = yield* session
      yield* TestClock.setTime(Date.parse("2026-03-02T12:00:00Z"))
      yield* DecisionCounts.record(site, { quarantined: 1, bot: 2, limited: 1 }).pipe(Effect.provide(context))
      const stats = ["stats", "--site", site.websiteConfigId, "--days", "1"]
      const { not_counted } = JSON.parse((yield* run([...stats, "--json"], services)).stdout)
      assert.deepStrictEqual(Object.entries(not_counted), [
        ["bot", 2],
        ["limited", 1],
        ["quarantined", 1]
      ])
      assert.match((yield* run(stats, services)).stdout, /Not counted[^\n]*\nbot +█+ {2}2\nlimited /)
      yield* TestClock.setTime(Date.parse("2026-03-03T12:00:00Z"))
      assert.deepStrictEqual(JSON.parse((yield* run([...stats, "--json"], services)).stdout).not_counted, {})
    })
  )
})
