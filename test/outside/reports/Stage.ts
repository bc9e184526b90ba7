/**
 * A service with one of the stores, to which the requests of `Traffic.ts` were sent.
 *
 * @module
 */
import assert from "node:assert/strict"
import type { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer } from "effect"
import { poll } from "../../support/Wait.ts"
import * as Service from "./Service.ts"
import * as Traffic from "./Traffic.ts"

export class Stage extends Context.Service<
  Stage,
  Service.Service & {
    /** What was sent. */
    readonly requests: ReadonlyArray<Traffic.Request>
  }
>()("test/outside/reports/Stage") {}

export const goals = [
  { kind: "event", value: "Booking" },
  { kind: "page", value: "/thanks*", name: "Thanks" },
  { kind: "page", value: "*/tours" }
]

const facts = (timeZone: string) => `
  WITH zone AS (SELECT '${timeZone}'::text AS name, date_trunc('day', now() AT TIME ZONE '${timeZone}') AS today)
  SELECT (extract(epoch FROM now()) * 1000)::float8 AS now,
    (extract(epoch FROM today AT TIME ZONE name) * 1000)::float8 AS today,
    (extract(epoch FROM (today - interval '1 day') AT TIME ZONE name) * 1000)::float8 AS yesterday,
    (SELECT coalesce(json_agg(extract(epoch FROM at) * 1000 ORDER BY at), '[]')
      FROM generate_series(date_trunc('hour', now()) - interval '350 days', now(), '1 hour') AS at
      WHERE (at AT TIME ZONE name) - ((at - interval '1 hour') AT TIME ZONE name) <> interval '1 hour') AS changes
  FROM zone`

/** The current time, and the facts of each website's time zone. */
const zones = (sql: PgClient.PgClient) =>
  Effect.forEach(Traffic.websites, ({ timeZone }) =>
    Effect.map(
      sql.unsafe<Traffic.Zone & { readonly now: number }>(facts(timeZone)),
      ([zone]) => zone ?? assert.fail("no row")
    )
  ).pipe(Effect.orDie)

/** Sends one request of a visitor, which must be accepted. */
export const sendOne = (
  { sites, url }: Pick<Service.Service, "sites" | "url">,
  { action, at, visitor, website }: Traffic.Request
) => {
  const { id = "", token = "" } = sites[website] ?? {}
  const post = (path: string, body: object) =>
    Effect.promise(async () => {
      const response = await fetch(url + path, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          origin: Traffic.origin,
          "user-agent": visitor.client.userAgent,
          "x-forwarded-for": visitor.address,
          "cf-ipcountry": visitor.country
        },
        body: JSON.stringify(body)
      })
      assert.ok(response.ok, `${path} ${JSON.stringify(body)}: ${response.status} ${await response.text()}`)
    })
  const common = { site_id: token, session_id: visitor.session }
  switch (action.type) {
    case "view":
      return post("/v1/public/analytics/track", {
        ...common,
        page_path: action.path,
        referrer: action.referrer ?? null
      })
    case "event": {
      const { interactive, name, path, properties, revenue } = action
      return post("/v1/public/analytics/event", {
        ...common,
        page_path: path,
        name,
        ...(properties === undefined ? {} : { properties }),
        ...(revenue === undefined ? {} : { revenue }),
        ...(interactive === undefined ? {} : { interactive })
      })
    }
    case "form":
      return post("/v1/public/forms/submit", {
        site_id: id,
        form_data: { message: messageOf({ at, visitor }), hydracore_session: visitor.session }
      })
  }
}

/** The text of a submission. */
export const messageOf = ({ at, visitor }: Pick<Traffic.Request, "at" | "visitor">) =>
  `Of ${visitor.address} at ${new Intl.NumberFormat("en").format(at)}`

const conversionsOf = (text: string): number =>
  (JSON.parse(text) as { readonly results: ReadonlyArray<{ readonly metrics: readonly [number] }> }).results[0]
    ?.metrics[0] ?? 0

export const layer = (store: Service.Store): Layer.Layer<Stage> =>
  Layer.effect(
    Stage,
    Effect.gen(function* () {
      const service = yield* Service.make(store)
      const { computeFacts, owner, setDate, sites, sql } = service
      for (const { id } of sites) {
        for (const goal of goals) yield* owner("POST", `/v1/owner/sites/${id}/goals`, goal)
      }
      const known = yield* zones(sql)
      const requests = Traffic.requests(known[0]?.now ?? 0, known)
      for (const [at, together] of Map.groupBy(requests, (request) => request.at)) {
        setDate(at)
        yield* Effect.forEach(together, (request) => sendOne(service, request), {
          concurrency: "unbounded",
          discard: true
        })
      }
      setDate(0)
      yield* service.merge
      // A lead is credited in the background.
      for (const [index, { id }] of sites.entries()) {
        const forms = requests.filter(({ action, website }) => action.type === "form" && website === index).length
        const credited = owner("POST", "/v1/owner/query", {
          site_id: id,
          metrics: ["conversions"],
          date_range: "all",
          filters: [["is", "event:goal", ["Form submitted"]]]
        })
        // A report takes more processor time than the credits.
        yield* poll(Effect.delay(credited, "300 millis"), (text) => conversionsOf(text) >= forms)
      }
      yield* computeFacts
      return { ...service, requests }
    })
  )
