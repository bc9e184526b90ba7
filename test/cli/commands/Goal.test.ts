/**
 * `goal` and `analytics export`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import { eventOf } from "../../suites/Events.ts"
import { shapeOf, viewOf } from "../../suites/PageViews.ts"
import { read } from "../../support/CsvReader.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"

const siteFlag = ["--site", site.websiteConfigId]

/** A command line on one storage. */
const session = Effect.map(Layer.build(onPostgres), (context) => {
  const services = Layer.succeedContext(context)
  return { context, cli: (...args: ReadonlyArray<string>) => run(args, services) }
})

describe("goal", () => {
  it.effect("creates, lists and deletes goals", () =>
    Effect.gen(function* () {
      const { cli } = yield* session
      const created = yield* cli("goal", "create", ...siteFlag, "--page", "/thanks*", "--json")
      const goal = JSON.parse(created.stdout) as Record<string, string>
      assert.deepInclude(goal, { name: "Visit /thanks*", kind: "page", value: "/thanks*" })
      // Goals are listed in the order of their creation.
      yield* TestClock.adjust("1 second")
      yield* cli("goal", "create", ...siteFlag, "--event", "Signup", "--name", "New customer")
      const { built_in, goals } = JSON.parse((yield* cli("goal", "list", ...siteFlag, "--json")).stdout)
      assert.strictEqual(goals.length, 2)
      assert.deepStrictEqual(goals[0], goal)
      assert.deepInclude(goals[1], { name: "New customer", kind: "event", value: "Signup" })
      assert.deepStrictEqual(built_in, ["Form submitted", "Chat started"])
      const deleted = yield* cli("goal", "delete", "--goal", `${goal["goal_id"]}`, "--json")
      assert.deepStrictEqual(JSON.parse(deleted.stdout), { goal_id: goal["goal_id"], deleted: true })
      const again = yield* cli("goal", "delete", "--goal", `${goal["goal_id"]}`)
      assert.deepInclude(again, {
        code: 1,
        stderr: `There is no goal ${goal["goal_id"]}; \`hydracore goal list --site <website_config_id>\` lists them.\n`
      })
    }).pipe(Effect.scoped)
  )

  it.effect("rejects invalid goals with one error message, and creates nothing", () =>
    Effect.gen(function* () {
      const { cli } = yield* session
      const unknown = "00000000-0000-4000-8000-000000000000"
      const cases = [
        [[...siteFlag], /Give one of the flags --event and --page\./],
        [[...siteFlag, "--event", "a", "--page", "/a"], /Give one of the flags/],
        [[...siteFlag, "--event", ""], /--event (must be|needs a value)/],
        [[...siteFlag, "--page", "thanks"], /--page must be a path/],
        [[...siteFlag, "--page", `/${"*".repeat(21)}`], /--page must be a path/],
        [[...siteFlag, "--event", "x".repeat(121)], /--event must be/],
        [[...siteFlag, "--event", "pageview"], /page views are counted by --page/],
        [[...siteFlag, "--event", "a", "--name", "Form submitted"], /has a goal of this name/],
        [
          [...siteFlag, "--event", "Form submitted"],
          /goal of the name "Form submitted"; give another one with --name\./
        ],
        [["--site", unknown, "--event", "a"], /There is no website/]
      ] as const
      for (const [flags, message] of cases) {
        const ended = yield* cli("goal", "create", ...flags)
        assert.deepInclude(ended, { code: 1, stdout: "" })
        assert.match(ended.stderr, message)
        assert.strictEqual(ended.stderr.trim().split("\n").length, 1)
      }
      assert.deepInclude(JSON.parse((yield* cli("goal", "list", ...siteFlag, "--json")).stdout), { goals: [] })
    }).pipe(Effect.scoped)
  )
})

const view = viewOf(
  site.hostedWebsiteId,
  shapeOf({
    ...{ age: 1_000, path: "/=a,b", referrerHost: "news.example", referrerPath: "/x", deviceType: "mobile" },
    campaign: { source: "s", medium: "m", name: "c", term: null, content: null },
    ...{ screenWidth: 400, sessionId: "s", browser: "Firefox", os: "Android", country: "NO" }
  })
)

const event = eventOf(site.hostedWebsiteId, {
  ...{
    age: 0,
    name: "Sale\u202e",
    path: "/",
    sessionId: "s",
    deviceType: null,
    browser: null,
    os: null,
    country: null
  },
  properties: { color: "=red", size: 1 },
  ...{ amount: 1_500, isInteractive: false, visitor: 0 }
})

/** Stores a page view, an excluded one and an event. Returns a function that runs `analytics export` on them. */
const withRows = Effect.gen(function* () {
  const { cli, context } = yield* session
  yield* Effect.gen(function* () {
    const views = yield* AnalyticsRepo
    yield* views.append(view)
    yield* views.append({ ...view, exclusion: "bot" })
    yield* views.appendEvent(event)
  }).pipe(Effect.provide(context))
  return (...flags: ReadonlyArray<string>) => cli("analytics", "export", ...siteFlag, ...flags)
})

describe("analytics export", () => {
  it.effect("writes each counted row as a line of JSON, or with --json all of them as one array", () =>
    Effect.gen(function* () {
      const runExport = yield* withRows
      const { stdout } = yield* runExport()
      assert.match(stdout, /^[^\p{Cc}\p{Bidi_C}]*\n[^\p{Cc}\p{Bidi_C}]*\n$/u)
      const rows = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      assert.deepStrictEqual(
        rows.map(({ type }) => type),
        ["pageview", "event"]
      )
      assert.deepInclude(rows[0], { path: "/=a,b", utm_source: "s", country: "NO", screen_width: 400, name: null })
      assert.deepInclude(rows[1], {
        name: "Sale\u202e",
        revenue_amount: 1.5,
        revenue_currency: "EUR",
        interactive: false
      })
      assert.deepStrictEqual(rows[1]?.["properties"], event.properties)
      assert.deepStrictEqual(JSON.parse((yield* runExport("--json")).stdout), rows)
    }).pipe(Effect.scoped)
  )

  it.effect("csv has a column for each member, and no cell is a formula", () =>
    Effect.gen(function* () {
      const runExport = yield* withRows
      const [header = [], ...records] = read((yield* runExport("--format", "csv")).stdout)
      assert.strictEqual(records.length, 2)
      const cell = (row: number, name: string) => records[row]?.[header.indexOf(name)]
      assert.strictEqual(cell(0, "path"), "/=a,b")
      assert.strictEqual(cell(1, "revenue_amount"), "1.5")
      assert.deepStrictEqual(JSON.parse(`${cell(1, "properties")}`), event.properties)
      for (const value of records.flat()) assert.notMatch(value, /^[=+@]/)
    }).pipe(Effect.scoped)
  )

  it.effect("--from and --to bound the period, and an empty period or an invalid time is refused", () =>
    Effect.gen(function* () {
      const runExport = yield* withRows
      const at = new Date(event.receivedAt).toISOString()
      assert.match((yield* runExport("--from", at)).stdout, /^\{"type":"event"[^\n]*\n$/)
      assert.match((yield* runExport("--to", at)).stdout, /^\{"type":"pageview"[^\n]*\n$/)
      for (const flags of [
        ["--from", at, "--to", at],
        ["--from", "yesterday"]
      ]) {
        const ended = yield* runExport(...flags)
        assert.deepInclude(ended, { code: 1, stdout: "" })
        assert.match(ended.stderr, /^The flag --from must be [^\n]+\n$/)
      }
    }).pipe(Effect.scoped)
  )
})
