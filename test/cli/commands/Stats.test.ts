import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import type { PageView } from "../../../src/analytics/PageView.ts"
import { Reports } from "../../../src/analytics/reports/Reports.ts"
import { ReportTimeout } from "../../../src/platform/Storage.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../../src/sites/SiteErasure.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site, view } from "../../support/TestStorage.ts"

const unknown = "11111111-2222-4333-8444-555555555555"

/** A command line on a storage with three page views of two days. The current day is the second of them. */
const session = Effect.gen(function* () {
  const context = yield* Layer.build(onPostgres)
  const services = Layer.succeedContext(context)
  yield* TestClock.setTime(Date.parse("2026-03-02T12:00:00Z"))
  const append = (views: ReadonlyArray<PageView>) =>
    AnalyticsRepo.use((repo) => Effect.forEach(views, repo.append)).pipe(Effect.provide(context))
  yield* append([view(0, 1), view(0, 2), view(1, 3)])
  const text = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const ended = yield* run(["stats", ...args], services)
    assert.deepStrictEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" })
    assert.notInclude(ended.stdout, "\u001b")
    return ended.stdout
  })
  const json = (...args: ReadonlyArray<string>) => Effect.map(text(...args, "--json"), (stdout) => JSON.parse(stdout))
  const refusal = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const ended = yield* run(["stats", ...args], services)
    assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" })
    return ended.stderr
  })
  return { append, context, json, refusal, text }
})

const siteFlag = ["--site", site.websiteConfigId]

describe("stats", () => {
  it.effect("prints an overview", () =>
    Effect.gen(function* () {
      const { json, text } = yield* session
      const { date_range, page_views, per_day, visitors } = yield* json(
        ...["--site", site.websiteConfigId.toUpperCase(), "--days", "3"]
      )
      assert.deepStrictEqual([date_range, visitors, page_views], [["2026-02-28", "2026-03-02"], 3, 3])
      assert.deepStrictEqual(per_day, [
        { date: "2026-02-28", page_views: 0, visitors: 0 },
        { date: "2026-03-01", page_views: 2, visitors: 2 },
        { date: "2026-03-02", page_views: 1, visitors: 1 }
      ])
      assert.strictEqual((yield* json(...siteFlag)).per_day.length, 30)
      const chart = yield* text(...siteFlag, "--days", "2")
      assert.match(chart, /^visitors \(each day's, summed\) {2}3$/m)
      assert.match(chart, /^bounce rate +100 %$/m)
      assert.match(chart, /^2026-03-01 {2}█+ {2}2 {2}2$/m)
      assert.match(chart, /^2026-03-02 {2}█+[▏▎▍▌▋▊▉]? +1 {2}1$/m)
      assert.include(yield* text(...siteFlag, "--days", "365"), "per month")
      assert.deepStrictEqual((yield* json(...siteFlag, "--limit", "1")).campaigns, [
        { campaign: "spring", page_views: 2, visitors: 2 }
      ])
    })
  )

  it.effect("compares with the previous period", () =>
    Effect.gen(function* () {
      const { json, text } = yield* session
      const args = [...siteFlag, "--period", "day", "--compare", "previous_period"]
      const { comparison, date_range, visitors } = yield* json(...args)
      assert.deepStrictEqual([date_range, visitors], [["2026-03-02", "2026-03-02"], 1])
      assert.deepStrictEqual([comparison.date_range, comparison.visitors], [["2026-03-01", "2026-03-01"], 2])
      const chart = yield* text(...args)
      assert.match(chart, /^compared with +2026-03-01 to 2026-03-01, the last day until the same time$/m)
      assert.match(chart, /^page views +1 {2}-50 % \(2 before\)$/m)
      const compared =
        /^period +2026-03-02 to 2026-03-02 so far \(.+\)\ncompared with +2026-03-01 to 2026-03-01, (.*)$/m
      for (const group of [
        [...args, "--by", "visit:source"],
        ["--all-sites", ...args.slice(siteFlag.length)]
      ]) {
        assert.strictEqual(compared.exec(yield* text(...group))?.[1], "the last day until the same time")
      }
      // Each hour is compared with a whole one.
      assert.match(yield* text(...args, "--by", "time:hour"), /^compared with +2026-03-01 to 2026-03-01$/m)
    })
  )

  it.effect("groups by dimensions, and filters", () =>
    Effect.gen(function* () {
      const { json, text } = yield* session
      const { results } = yield* json(...siteFlag, "--by", "visit:utm_campaign", "--by", "time:day")
      assert.deepStrictEqual(results, [
        { dimensions: ["spring", "2026-03-01"], metrics: [2, 2, 2, 100, 0, 0] },
        { dimensions: ["summer", "2026-03-02"], metrics: [1, 1, 1, 100, 0, 0] }
      ])
      const filtered = yield* json(...siteFlag, "--by", "visit:source", "--filter", "event:page is /|/pricing")
      assert.deepStrictEqual(filtered.results, [{ dimensions: ["letter"], metrics: [2, 2, 2, 100, 0, 0] }])
      assert.deepStrictEqual(filtered.query.filters, [["is", "event:page", ["/", "/pricing"]]])
      const chart = yield* text(...siteFlag, "--by", "visit:utm_campaign", "--from", "2026-03-01", "--to", "2026-03-01")
      assert.match(chart, /^period +2026-03-01 to 2026-03-01 \(UTC\)$/m)
      assert.match(chart, /^visit:utm_campaign +visitors +visits +views +bounces +conversions$/m)
      assert.match(chart, /^spring +█+ +2 +2 +2 +100 % +0$/m)
      assert.include(yield* text(...siteFlag, "--by", "event:goal"), "Nothing matches.")
      assert.match(yield* text(...siteFlag, "--by", "event:name"), /^event:name +visitors +visits +events +revenue$/m)
    })
  )

  it.effect("writes CSV", () =>
    Effect.gen(function* () {
      const { text } = yield* session
      assert.deepStrictEqual((yield* text(...siteFlag, "--days", "2", "--format", "csv")).split("\r\n").slice(0, 2), [
        '"time:day","visitors","visits","pageviews","bounce_rate","visit_duration","conversions"',
        '"2026-03-01","2","2","2","100","0","0"'
      ])
      const compared = yield* text(
        ...[...siteFlag, "--by", "visit:source", "--period", "day", "--compare", "previous_period", "--format", "csv"]
      )
      assert.match(compared, /"conversions","change of visitors","change of visits","change of pageviews",/)
      assert.match(compared, /"letter","1","1","1","100","0","0","-50","-50","-50","0","0","0"/)
    })
  )

  it.effect("CSV without rows has the columns of the same command with rows", () =>
    Effect.gen(function* () {
      const { context, text } = yield* session
      const args = ["--all-sites", "--by", "visit:source", "--compare", "previous_period", "--format", "csv"]
      const [header = "", ...rows] = (yield* text(...args)).trimEnd().split("\r\n")
      assert.isNotEmpty(rows)
      assert.strictEqual((yield* text(...args, "--filter", "event:page is /none")).trimEnd(), header)
      yield* SiteErasure.use(({ erase }) => erase(site.websiteConfigId)).pipe(Effect.provide(context))
      assert.strictEqual((yield* text(...args)).trimEnd(), header)
    })
  )

  it.effect("finds a website by its name, and prints a row for each website with --all-sites", () =>
    Effect.gen(function* () {
      const { append, context, json, refusal, text } = yield* session
      assert.strictEqual((yield* json("--site", " Example ")).site_id, site.websiteConfigId)
      const create = SiteDirectory.use((sites) => sites.create({ name: "Shop", origins: [] }))
      const shop = yield* Effect.provide(create, context)
      yield* append([view(1, 1, shop.hostedWebsiteId)])
      const all = yield* json("--all-sites")
      assert.deepStrictEqual(
        all.reports.map(({ name, report }: { name: string; report: { results: unknown } }) => [name, report.results]),
        [
          ["Example", [{ dimensions: [], metrics: [3, 3, 3, 100, 0, 0] }]],
          ["Shop", [{ dimensions: [], metrics: [1, 1, 1, 100, 0, 0] }]]
        ]
      )
      assert.match(yield* text("--all-sites"), /^Shop +█+[▏▎▍▌▋▊▉]? +1 +1 +1 +100 %/m)
      assert.include(
        yield* text("--all-sites", "--by", "visit:source", "--format", "csv"),
        `"${shop.websiteConfigId}","Shop","letter","1"`
      )
      yield* Effect.provide(create, context)
      assert.match(yield* refusal("--site", "Shop"), /^2 websites have the name "Shop"\. .*\.\n$/)
    })
  )

  it.effect("a range without an end ends today in the time zone of each website", () =>
    Effect.gen(function* () {
      const { context, json } = yield* session
      for (const timeZone of ["Pacific/Kiritimati", "Pacific/Honolulu"]) {
        yield* SiteDirectory.use((sites) => sites.create({ name: timeZone, origins: [], timeZone })).pipe(
          Effect.provide(context)
        )
      }
      const rangesOf = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
        const { reports } = yield* json("--all-sites", ...args)
        return Object.fromEntries(
          reports.map(({ name, report }: { name: string; report: { query: { date_range: unknown } } }) => [
            name,
            report.query.date_range
          ])
        )
      })
      assert.deepStrictEqual(yield* rangesOf("--from", "2026-03-01"), {
        Example: ["2026-03-01", "2026-03-02"],
        "Pacific/Kiritimati": ["2026-03-01", "2026-03-03"],
        "Pacific/Honolulu": ["2026-03-01", "2026-03-02"]
      })
      const tomorrow = ["2026-03-03", "2026-03-03"]
      assert.deepStrictEqual(yield* rangesOf("--from", "2026-03-03"), {
        Example: tomorrow,
        "Pacific/Kiritimati": tomorrow,
        "Pacific/Honolulu": tomorrow
      })
    })
  )

  it.effect("a report that takes too long names the setting of its limit", () =>
    Effect.gen(function* () {
      const { context } = yield* session
      const late = Effect.fail(new ReportTimeout({ limit: "10 seconds" }))
      const slow = { ...Context.get(context, Reports), query: () => late, queryAll: () => late }
      const services = Layer.merge(Layer.succeedContext(context), Layer.succeed(Reports, slow))
      for (const flags of [siteFlag, ["--all-sites"]]) {
        const ended = yield* run(["stats", ...flags], services)
        assert.deepInclude(ended, { code: 1, stdout: "" })
        assert.match(ended.stderr, /the limit of 10 seconds\. .* Or raise REPORT_TIMEOUT\.\n$/)
      }
    })
  )

  it.effect("refuses invalid flags in one sentence", () =>
    Effect.gen(function* () {
      const { refusal } = yield* session
      for (const id of [unknown, site.trackingToken, site.hostedWebsiteId]) {
        assert.strictEqual(
          yield* refusal("--site", id),
          `There is no website ${id}; \`hydracore site list\` lists them.\n`
        )
      }
      const wrong: ReadonlyArray<readonly [args: ReadonlyArray<string>, part: string]> = [
        [["--site", "Nothing"], 'No website has the name "Nothing". `hydracore site list` shows them.'],
        [["--site", " "], "The flag --site must be the website_config_id or the name of a website."],
        [["--site", "x".repeat(201)], "The flag --site must be the website_config_id or the name of a website."],
        [[], "Give either --site or --all-sites."],
        [[...siteFlag, "--all-sites"], "Give either --site or --all-sites."],
        [[...siteFlag, "--by", "visit:city"], "The flag --by must be 'event:page', 'event:name'"],
        [[...siteFlag, "--by", "source"], 'no dimension "source" for the flag --by; did you mean visit:source?'],
        [
          [...siteFlag, "--filter", "event:pge is /x"],
          'no dimension "event:pge" for the flag --filter; did you mean event:page?'
        ],
        [[...siteFlag, "--filter", "event:page"], "The flag --filter must be a dimension, an operator"],
        [[...siteFlag, "--filter", "time:day is x"], "The dimension of the flag --filter must be 'event:page'"],
        [
          [...siteFlag, "--from", "2026-03-02", "--to", "2026-03-01"],
          "The period is wrong: the range ends on 2026-03-01, before it begins on"
        ],
        [[...siteFlag, "--by", "time:hour", "--period", "all"], "The period is wrong: hours need a range of at most"],
        [[...siteFlag, "--from", "yesterday"], "The flag --from must be a valid date"],
        [[...siteFlag, "--to", "2026-03-01"], "The flag --to needs --from."],
        [[...siteFlag, "--days", "3", "--period", "7d"], "Give only one of --period, --days, and --from with --to."],
        [[...siteFlag, "--period", "2w"], "The flag --period takes"],
        [[...siteFlag, "--limit", "1000000"], "The flag --limit must be a whole number from 1 to 10000."],
        [[...siteFlag, "--json", "--format", "csv"], "The flags --json and --format csv cannot be combined."]
      ]
      for (const [args, part] of wrong) {
        const refused = yield* refusal(...args)
        const sentence = args.includes("--json") ? `${JSON.parse(refused).error.message}\n` : refused
        assert.include(sentence, part)
        assert.match(sentence, /^[^\n]*[.?]\n$/)
      }
    })
  )
})
