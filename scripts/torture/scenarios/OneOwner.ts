/**
 * An owner with many keys sends heavy queries and does not read its exports, while another owner's dashboard and a visitor are
 * served. Each is measured before, and during the attack.
 *
 * @module
 */
import assert from "node:assert/strict"
import { request } from "node:http"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import { pause } from "../../../test/support/Wait.ts"
import * as Statistics from "../../bench/harness/Statistics.ts"
import * as Cluster from "../Cluster.ts"
import * as Owners from "../Owners.ts"
import * as Store from "../Store.ts"
import { type Figures, rounded } from "./Figures.ts"
import { visits } from "./OneAddress.ts"

export interface Options {
  /** The number of page views of the attacker's website. */
  readonly pageViews: number
  /** The duration of each measurement of the visitors, in milliseconds. */
  readonly millis: number
  /** The median of the visitors that is acceptable in any case, in milliseconds. */
  readonly median: number
}

const keyCount = 20

/** The reports that a dashboard shows at once. */
const reports = ["event:page", "visit:source", "visit:country", "visit:device", "visit:browser", "visit:os"]

/** Sends a query, and returns the status. */
const query = (url: string, key: string, site: string, dimension: string, contained: string): Promise<number> =>
  Owners.call(url, key, "POST", "/query", {
    site_id: site,
    metrics: ["visitors", "pageviews", "bounce_rate"],
    date_range: "30d",
    dimensions: [dimension],
    filters: [["contains", "event:page", [contained]]]
  }).then(({ status }) => status)

/** Stores page views of the last 30 days of a website. */
const fill = (websiteConfigId: string, count: number) =>
  PgClient.PgClient.use(
    (sql) => sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
      SELECT hosted_website_id, now() - number * (interval '29 days' / ${count}::int), '/page-' || number % 500,
        decode(md5((number / 4)::text), 'hex')
      FROM site, generate_series(1, ${count}::int) AS number
      WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)}`
  )

/** Begins an export, and reads nothing of it. */
const exportUnread = (url: string, key: string, site: string) => {
  const sent = request(`${url}/v1/owner/sites/${site}/analytics/export`, {
    agent: false,
    headers: { authorization: `Bearer ${key}` }
  })
  sent.on("response", (response) => response.pause()).on("error", () => {})
  sent.end()
  return () => sent.destroy()
}

export const oneOwner = Effect.fnUntraced(function* ({ median: acceptable, millis, pageViews }: Options) {
  const cluster = yield* Cluster.make()
  const attacker = yield* Store.prepare(cluster.url)
  const other = yield* Store.prepare(cluster.url)
  yield* cluster.use((sql) =>
    Effect.all([fill(attacker.websiteConfigId, pageViews), fill(other.websiteConfigId, 2_000)]).pipe(
      Effect.provideService(PgClient.PgClient, sql)
    )
  )
  const keys = yield* Owners.keysOf(cluster.url, attacker.websiteConfigId, keyCount, "read")
  const [otherKey = ""] = yield* Owners.keysOf(cluster.url, other.websiteConfigId, 1, "read")
  const { port, url } = yield* Owners.serve({ DATABASE_URL: cluster.url })
  let number = 0
  const attackQuery = (key: string) =>
    query(url, key, attacker.websiteConfigId, reports[number % reports.length]!, `-${number++}`)
  const dashboard = () =>
    Owners.timed(() =>
      Promise.all(reports.map((dimension) => query(url, otherKey, other.websiteConfigId, dimension, `/p${number++}`)))
    )
  const dashboards = Effect.promise(async () => {
    const times: Array<number> = []
    for (let round = 0; round < 7; round++) {
      const { millis, value } = await dashboard()
      assert.deepEqual(
        value,
        reports.map(() => 200)
      )
      times.push(millis)
    }
    return Statistics.median(times)
  })
  yield* dashboards
  const quiet = { dashboard: yield* dashboards, visitors: yield* visits(port, other, millis) }
  const single = yield* Effect.promise(() => Owners.timed(() => attackQuery(keys[0]!)))
  assert.equal(single.value, 200)

  const statuses = new Owners.Statuses()
  let isOver = false
  const attack = keys.map(async (key) => {
    while (!isOver) {
      statuses.add(await attackQuery(key))
    }
  })
  const ends = keys.map((key) => exportUnread(url, key, attacker.websiteConfigId))
  yield* pause(1_000)
  const attacked = { dashboard: yield* dashboards, visitors: yield* visits(port, other, millis) }
  isOver = true
  for (const end of ends) end()
  yield* Effect.promise(() => Promise.all(attack))

  const limit = 2 * quiet.dashboard + single.millis
  const figures = {
    "quiet dashboard ms": rounded(quiet.dashboard),
    "attacked dashboard ms": rounded(attacked.dashboard),
    "limit ms": rounded(limit),
    "one heavy query ms": rounded(single.millis),
    "heavy queries": String(statuses),
    "visitors' median ms": `${rounded(quiet.visitors.p50)}, attacked ${rounded(attacked.visitors.p50)}`,
    "visitors failed": attacked.visitors.failed
  } satisfies Figures
  const shown = JSON.stringify(figures)
  assert.ok(attacked.dashboard <= limit, `the other's dashboard waits: ${shown}`)
  assert.ok(attacked.visitors.p50 <= Math.max(acceptable, 2 * quiet.visitors.p50), `visitors wait: ${shown}`)
  assert.equal(attacked.visitors.failed, 0)
  return figures
}, Effect.scoped)
