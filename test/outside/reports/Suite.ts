/**
 * Reports of a store of page views, against numbers that hand-written SQL (`Definition.ts`) computes from the stored rows of a
 * year's visits (`Traffic.ts`).
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as CsvReader from "../../support/CsvReader.ts"
import * as Definition from "./Definition.ts"
import * as Sent from "./Sent.ts"
import type { Row, Site, Store } from "./Service.ts"
import { messageOf, Stage, sendOne, layer as stageOf } from "./Stage.ts"
import * as Traffic from "./Traffic.ts"

interface Report {
  readonly results: ReadonlyArray<Row & { readonly comparison?: Row }>
  readonly meta: { readonly total_rows?: number; readonly comparison_date_range?: readonly [string, string] }
  readonly query: { readonly date_range: readonly [string, string] }
}

const texts = (values: ReadonlyArray<string>) => values.map((value) => `'${value}'`).join(", ")

const filters: ReadonlyArray<ReadonlyArray<Definition.Filter>> = [
  [],
  [{ filter: ["is", "event:page", ["/pricing", "/tours"]], matches: (page) => `${page} IN ('/pricing', '/tours')` }],
  [
    {
      filter: ["is_not", "visit:source", ["Direct / None", "Google"]],
      matches: () => "source_name NOT IN ('Direct / None', 'Google')"
    }
  ],
  [
    {
      filter: ["contains", "visit:browser", ["Chr", "fox"]],
      matches: () => "(browser LIKE '%Chr%' OR browser LIKE '%fox%')"
    }
  ],
  [
    {
      filter: ["is", "event:goal", ["Booking"]],
      matches: () => "'Booking' = ANY (goals)",
      goals: "goal = 'Booking'",
      isOfConversion: true,
      usesGoals: true
    }
  ],
  [
    {
      filter: ["not", ["contains", "event:goal", ["B", "form"]]],
      matches: () => "NOT EXISTS (SELECT FROM unnest(goals) AS one WHERE one LIKE '%B%' OR one LIKE '%form%')",
      isOfConversion: true,
      usesGoals: true
    },
    { filter: ["contains_not", "event:page", ["docs"]], matches: (page) => `coalesce(${page}, '') NOT LIKE '%docs%'` }
  ],
  [
    {
      filter: ["is", "event:props:plan", ["pro"]],
      matches: () => "properties ->> 'plan' IS NOT DISTINCT FROM 'pro'",
      isOfConversion: true
    }
  ],
  [
    { filter: ["is", "visit:utm_campaign", ["spring"]], matches: () => "utm_campaign = 'spring'" },
    {
      filter: ["is", "event:goal", ["Form submitted", "Thanks"]],
      matches: () => "goals && ARRAY['Form submitted', 'Thanks']",
      goals: `goal IN (${texts(["Form submitted", "Thanks"])})`,
      isOfConversion: true,
      usesGoals: true
    }
  ],
  [
    {
      filter: [
        "or",
        [
          ["is", "visit:country", ["DE", "(not set)"]],
          [
            "and",
            [
              ["is", "visit:device", ["mobile"]],
              ["not", ["is", "event:name", ["pageview"]]]
            ]
          ]
        ]
      ],
      matches: () => "(country = 'DE' OR country IS NULL OR device = 'mobile' AND name IS DISTINCT FROM 'pageview')"
    }
  ]
]

/** Submissions that were credited to a visit. */
const submitted: Definition.Filter = {
  filter: ["is", "event:goal", ["Form submitted"]],
  matches: () => "'Form submitted' = ANY (goals)",
  goals: "goal = 'Form submitted'",
  isOfConversion: true,
  usesGoals: true
}

/** Dimensions that are also queried together. */
const pairs = [
  ["time:day", "visit:source"],
  ["event:page", "visit:device"],
  ["visit:utm_campaign", "event:goal"],
  ["event:name", "event:props:plan", "time:week"]
]

const metricNames: ReadonlyArray<string> = Definition.metrics

/** A report's rows, without the texts of amounts. */
const plain = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> =>
  rows.map(({ dimensions, metrics }) => ({
    dimensions,
    metrics: metrics.map((value) => {
      if (typeof value !== "object" || value === null) return value
      const { currency, value: amount } = value as { readonly value: number; readonly currency: string }
      return { currency, value: amount }
    })
  }))

const unfiltered = (...dimensions: ReadonlyArray<string>): Definition.Query => ({ dimensions, filters: [] })

/** The answer to a query, of all metrics unless `more` says otherwise. */
const query = Effect.fnUntraced(function* (
  site: Site,
  range: unknown,
  { dimensions, filters }: Definition.Query,
  more: object = {}
) {
  const { owner } = yield* Stage
  const text = yield* owner("POST", "/v1/owner/query", {
    site_id: site.id,
    metrics: Definition.metrics,
    date_range: range,
    dimensions,
    filters: filters.map(({ filter }) => filter),
    ...more
  })
  return JSON.parse(text) as Report
})

/** A day of a website, by its distance from today. */
const dayOf = Effect.fnUntraced(function* ({ timeZone }: Site, before: number) {
  const { sql } = yield* Stage
  const [row] = yield* sql<{ readonly day: string }>`
    SELECT ((now() AT TIME ZONE ${timeZone})::date - ${before}::int)::text AS day`
  return row?.day ?? ""
}, Effect.orDie)

interface Case {
  readonly site: Site
  readonly range: unknown
  readonly query: Definition.Query
}

/** Every dimension over every range without filters, and with every filter over thirty days; the websites take turns. */
const cases = Effect.gen(function* () {
  const { sites } = yield* Stage
  const yesterdays = yield* Effect.forEach(sites, (site) => Effect.map(dayOf(site, 1), (day) => [day, day]))
  const each = [[], ...Definition.dimensions.map((dimension) => [dimension]), ...pairs]
  const made: Array<Case> = []
  const add = (place: number, range: unknown, asked: Definition.Query) => {
    const index = place % sites.length
    const site = sites[index]
    if (site === undefined) return
    made.push({ site, range: range === "yesterday" ? yesterdays[index] : range, query: asked })
  }
  for (const [row, dimensions] of each.entries()) {
    for (const [column, range] of ["day", "yesterday", "7d", "30d", "12mo", "all"].entries()) {
      if (range !== "all" || !dimensions.includes("time:hour")) add(row + column, range, unfiltered(...dimensions))
    }
    for (const [column, chosen] of filters.entries()) add(row + column, "30d", { dimensions, filters: chosen })
  }
  return made
})

/** Fails if the answer to a query differs from what is expected. */
const expectAll = Effect.fnUntraced(function* (all: ReadonlyArray<Case>) {
  const { expected } = yield* Stage
  assert.isNotEmpty(all)
  const results = yield* Effect.forEach(
    all,
    Effect.fnUntraced(function* (one) {
      const answer = yield* query(one.site, one.range, one.query)
      const wanted = yield* expected(one.query, one.site, answer.query.date_range)
      return { one, found: plain(answer.results), wanted }
    }),
    { concurrency: 3 }
  )
  const different = results.filter(({ found, wanted }) => !isDeepStrictEqual(found, wanted))
  for (const { found, one, wanted } of different.slice(0, 1)) {
    const asked = { website: one.site.name, range: one.range, ...one.query }
    assert.deepStrictEqual(found, wanted, `${different.length} of ${all.length} differ, first ${JSON.stringify(asked)}`)
  }
})

/** A part of the cases. With 8 and 13, it has every range and every filter, since these repeat after 15. */
const every = (step: number, all: ReadonlyArray<Case>, first = 0) => all.filter((_, index) => index % step === first)

/** The rows of a report by their dimensions. */
const byDimensions = (rows: ReadonlyArray<Row>) =>
  new Map(rows.map(({ dimensions, metrics }) => [JSON.stringify(dimensions), metrics]))

/** No differences of rows. */
const same = { missing: [], unexpected: [] }

/** A hundred reports take a quarter of it on a machine whose processors have five times as much to do as they can. */
const busyTimeout = 300_000

export const suite = (store: Store) => {
  // ClickHouse takes ten times as long for a small report.
  const isFast = store === "PostgreSQL"
  layer(stageOf(store), { excludeTestServices: true, timeout: "5 minutes" })((it) => {
    it.effect("stores what visitors sent, with one hash for each visitor and day", () =>
      Effect.gen(function* () {
        const { requests, sites, sql } = yield* Stage
        const sent = requests.flatMap((request) => Sent.rowsOf(request, sites))
        assert.isAtLeast(sent.length, 500)
        assert.deepStrictEqual(Sent.differences(yield* Sent.storedRows(sql), sent), same)
        const hits = requests.filter(({ action }) => action.type !== "form")
        const [counted] = yield* Effect.orDie(
          sql<{
            readonly visitors: number
          }>`SELECT count(DISTINCT (hosted, visitor))::int AS visitors FROM expected.row`
        )
        assert.strictEqual(counted?.visitors, new Set(hits.map((request) => Sent.visitorOf(request, sites))).size)
      })
    )

    it.effect(
      "every metric by every dimension, with filters, over ranges of days",
      () => Effect.flatMap(cases, (all) => expectAll(every(isFast ? 8 : 13, all))),
      busyTimeout
    )

    it.effect("the same once the store has precomputed the visits of past days", () =>
      Effect.gen(function* () {
        const { command, sites } = yield* Stage
        // On ClickHouse, to rebuild the year of a website takes as long as thirty reports.
        const [only] = isFast ? [] : sites
        yield* command("report", "rebuild", ...(only === undefined ? [] : ["--site", only.id]))
        const all = yield* cases
        yield* expectAll(every(8, only === undefined ? all : all.filter(({ site }) => site === only), 4))
      })
    )

    it.effect("one metric alone has the same value as beside the others", () =>
      Effect.gen(function* () {
        const { sites } = yield* Stage
        const [site] = sites
        if (site === undefined) return assert.fail("no website")
        const ofGoal = { dimensions: ["time:day"], filters: filters[4] ?? [] }
        for (const asked of isFast ? [ofGoal, unfiltered("visit:country")] : [ofGoal]) {
          const together = byDimensions(plain((yield* query(site, "30d", asked)).results))
          for (const [place, metric] of Definition.metrics.entries()) {
            const { results } = yield* query(site, "30d", asked, { metrics: [metric] })
            const alone = plain(results).map(({ dimensions, metrics }) => [dimensions, metrics[0]])
            assert.isNotEmpty(alone)
            for (const [dimensions, value] of alone) {
              assert.deepStrictEqual(
                value,
                together.get(JSON.stringify(dimensions))?.[place],
                `${metric} ${dimensions}`
              )
            }
          }
        }
      })
    )

    it.effect("compares with the days before, and pages have the rows of the whole", () =>
      Effect.gen(function* () {
        const { expected, sites } = yield* Stage
        for (const site of isFast ? sites : sites.slice(0, 1)) {
          const range = [yield* dayOf(site, 29), yield* dayOf(site, 7)] as const
          const before = [yield* dayOf(site, 52), yield* dayOf(site, 30)] as const
          const asked = unfiltered("visit:source")
          const { meta, results } = yield* query(site, range, asked, { include: { comparison: "previous_period" } })
          assert.deepStrictEqual(meta.comparison_date_range, before)
          const earlier = byDimensions(yield* expected(asked, site, before))
          assert.isNotEmpty(results)
          for (const { comparison, dimensions } of results) {
            const none = Definition.metrics.map((metric) => (metric === "total_revenue" ? null : 0))
            const [found] = plain(comparison === undefined ? [] : [comparison])
            assert.deepStrictEqual(found?.metrics, earlier.get(JSON.stringify(dimensions)) ?? none)
          }
          const whole = yield* expected(unfiltered("event:page"), site, range)
          const page = yield* query(site, range, unfiltered("event:page"), {
            include: { total_rows: true },
            pagination: { limit: 2, offset: 1 }
          })
          assert.strictEqual(page.meta.total_rows, whole.length)
          assert.deepStrictEqual(plain(page.results), whole.slice(1, 3))
        }
      })
    )

    it.effect("credits each submission to its visit's campaign, in reports and in the inbox", () =>
      Effect.gen(function* () {
        const { owner, requests, sites } = yield* Stage
        for (const [index, site] of sites.entries()) {
          const sent = requests.flatMap(({ action, at, visitor, website }) =>
            action.type === "form" && website === index
              ? [{ campaign: action.campaign, message: messageOf({ at, visitor }) }]
              : []
          )
          const { results } = yield* query(
            site,
            "all",
            { dimensions: ["visit:utm_campaign"], filters: [submitted] },
            { metrics: ["conversions"] }
          )
          const wanted = Map.groupBy(sent, ({ campaign }) => campaign ?? "(not set)")
          assert.deepStrictEqual(
            new Map(results.map(({ dimensions: [campaign], metrics: [count] }) => [campaign, count])),
            new Map(Array.from(wanted, ([campaign, all]) => [campaign, all.length]))
          )
          const list = JSON.parse(yield* owner("GET", `/v1/owner/sites/${site.id}/submissions?limit=100`)) as {
            readonly submissions: ReadonlyArray<{ readonly submission_id: string }>
          }
          const stored = yield* Effect.forEach(list.submissions, ({ submission_id }) =>
            Effect.map(owner("GET", `/v1/owner/sites/${site.id}/submissions/${submission_id}`), (text) => {
              const { campaign, fields } = JSON.parse(text)
              return { campaign, message: fields[0].value }
            })
          )
          const inOrder = (all: ReadonlyArray<{ readonly message: string }>) =>
            all.toSorted((one, other) => (one.message < other.message ? -1 : 1))
          assert.deepStrictEqual(inOrder(stored), inOrder(sent))
        }
      })
    )

    it.effect("`stats` prints the numbers of the owner API, as JSON and as CSV", () =>
      Effect.gen(function* () {
        const { command, expected, sites } = yield* Stage
        const [site] = sites
        if (site === undefined) return assert.fail("no website")
        const by = ["--site", site.name, "--period", "30d", "--by", "visit:source", "--limit", "100"]
        const [json, csv, all, overview] = yield* Effect.all(
          [
            command("stats", ...by, "--json"),
            command("stats", ...by, "--format", "csv"),
            command("stats", "--all-sites", "--period", "7d", "--json"),
            command("stats", "--site", site.name, "--period", "30d", "--json")
          ],
          { concurrency: 2 }
        )
        const report = JSON.parse(json) as Report & { readonly query: { readonly metrics: ReadonlyArray<string> } }
        const { metrics } = report.query
        assert.deepStrictEqual(
          report.results,
          (yield* query(site, "30d", unfiltered("visit:source"), { metrics })).results
        )
        assert.deepStrictEqual(
          CsvReader.read(csv).slice(1),
          report.results.map((row) => [...row.dimensions, ...row.metrics.map(String)])
        )
        const { reports } = JSON.parse(all) as {
          readonly reports: ReadonlyArray<{ readonly name: string; readonly report: typeof report }>
        }
        assert.lengthOf(reports, sites.length)
        for (const {
          name,
          report: { query: asked, results }
        } of reports) {
          const of = sites.find((one) => one.name === name) ?? assert.fail(name)
          const [total] = yield* expected(unfiltered(), of, asked.date_range)
          for (const [place, metric] of asked.metrics.entries()) {
            const index = metricNames.indexOf(metric)
            assert.deepStrictEqual(results[0]?.metrics[place], total?.metrics[index], `${name} ${metric}`)
          }
        }
        const [total] = yield* expected(unfiltered(), site, report.query.date_range)
        const { bounce_rate, page_views, visitors, visits } = JSON.parse(overview)
        assert.deepStrictEqual([visitors, visits, page_views], total?.metrics.slice(0, 3))
        assert.strictEqual(bounce_rate, total?.metrics[Definition.metrics.indexOf("bounce_rate")])
      })
    )

    it.effect("exports the rows, as CSV and as JSON", () =>
      Effect.gen(function* () {
        const { owner, requests, sites } = yield* Stage
        for (const [index, site] of sites.entries()) {
          const path = `/v1/owner/sites/${site.id}/analytics/export`
          const lines = (yield* owner("GET", `${path}?format=ndjson`)).trimEnd().split("\n")
          const rows = lines.map((line) => JSON.parse(line) as Sent.StoredRow)
          const sent = requests.filter(({ website }) => website === index).flatMap((one) => Sent.rowsOf(one, sites))
          const dated = rows.map((row) => ({ ...row, site: site.id, received_at: Date.parse(`${row["received_at"]}`) }))
          assert.deepStrictEqual(Sent.differences(dated, sent), same)
          const [header = [], ...records] = CsvReader.read(yield* owner("GET", `${path}?format=csv`))
          const cell = (value: unknown) =>
            typeof value === "object" && value !== null ? JSON.stringify(value) : `${value ?? ""}`
          assert.deepStrictEqual(
            records,
            rows.map((row) => header.map((column) => cell(row[column])))
          )
        }
      })
    )

    it.effect("counts a row that is inserted into a past day by SQL", () =>
      Effect.gen(function* () {
        const { computeFacts, expected, insert, sites, sql } = yield* Stage
        const [site] = sites
        if (site === undefined) return assert.fail("no website")
        const day = yield* dayOf(site, 6)
        const before = yield* expected(unfiltered(), site, [day, day])
        const [hosted] = yield* Effect.orDie(
          sql<{ readonly id: string }>`SELECT hosted AS id FROM expected.website WHERE site = ${site.id}::uuid`
        )
        const hash =
          store === "PostgreSQL" ? "decode(md5('late'), 'hex')" : "toUUID('00000000-0000-4000-8000-000000000000')"
        yield* insert(
          `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash, utm_source)
            VALUES ('${hosted?.id}', '${day} 20:00:00', '/late', ${hash}, 'partner')`
        )
        yield* computeFacts
        const after = yield* expected(unfiltered(), site, [day, day])
        assert.strictEqual(Number(after[0]?.metrics[2]), Number(before[0]?.metrics[2]) + 1)
        const asked = [unfiltered(), unfiltered("event:page"), unfiltered("visit:source"), unfiltered("time:hour")]
        const ranges = isFast ? [[day, day], "7d", "12mo"] : ["7d"]
        yield* expectAll(asked.flatMap((query) => ranges.map((range) => ({ site, range, query }))))
      })
    )

    it.effect("the live view has the latest visitors and rows; bots and referrer spam are nowhere", () =>
      Effect.gen(function* () {
        const { computeFacts, owner, sites, sql, ...stage } = yield* Stage
        const [site] = sites
        const [one] = stage.requests.filter(({ action, website }) => action.type === "view" && website === 0)
        if (site === undefined || one === undefined) return assert.fail("no request")
        const send = (path: string, visitor: Partial<Traffic.Visitor>, referrer?: string) =>
          sendOne(
            { sites, url: stage.url },
            {
              ...one,
              visitor: { ...one.visitor, session: null, ...visitor },
              action: { type: "view", path, ...(referrer === undefined ? {} : { referrer }) }
            }
          )
        const known = yield* computeFacts
        yield* send("/now", { address: "198.51.100.201" })
        yield* send("/now/again", { address: "198.51.100.201" })
        yield* send("/now", { address: "198.51.100.202" }, "https://www.google.com/")
        yield* send("/bot", { client: Traffic.bot })
        yield* send("/spam", {}, "https://free-share-buttons.com/")
        const current = Effect.map(
          Effect.orDie(sql<{ readonly visitors: number }>`
            SELECT count(DISTINCT visitor)::int AS visitors FROM expected.row JOIN expected.website USING (hosted)
            WHERE site = ${site.id}::uuid AND at > now() - interval '5 minutes'`),
          ([row]) => row?.visitors ?? 0
        )
        const counts = yield* computeFacts
        assert.strictEqual(counts.views, known.views + 3)
        const earlier = yield* current
        const now = JSON.parse(yield* owner("GET", `/v1/owner/sites/${site.id}/now`)) as { readonly visitors: number }
        assert.oneOf(now.visitors, [earlier, yield* current])
        assert.isAtLeast(now.visitors, 2)

        const { activity } = JSON.parse(yield* owner("GET", `/v1/owner/sites/${site.id}/activity?limit=3`)) as {
          readonly activity: ReadonlyArray<Readonly<Record<string, unknown>>>
        }
        assert.deepStrictEqual(
          activity.map(({ browser, country, device, path, source, type }) => ({
            browser,
            country,
            device,
            path,
            source,
            type
          })),
          ["/now", "/now/again", "/now"].map((path, index) => ({
            browser: one.visitor.client.browser,
            country: one.visitor.country === "XX" ? null : one.visitor.country,
            device: one.visitor.client.device,
            path,
            source: index === 0 ? "www.google.com" : null,
            type: "pageview"
          }))
        )
        const first = yield* Effect.promise(async () => {
          const response = await fetch(`${stage.url}/v1/owner/sites/${site.id}/live`, { headers: stage.credentials })
          const reader = response.body?.getReader()
          const { value } = (await reader?.read()) ?? {}
          await reader?.cancel()
          return JSON.parse(/^data: (.*)$/m.exec(new TextDecoder().decode(value))?.[1] ?? "null")
        })
        assert.deepStrictEqual(first.activity.slice(0, 3), activity)
        assert.oneOf(first.visitors, [earlier, yield* current])
        yield* expectAll([{ site, range: "day", query: unfiltered("event:page") }])
      })
    )
  })
}
