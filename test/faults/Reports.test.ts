/**
 * Reports of two services on one database: which service rolls up, what a killed service leaves
 * behind, what a rebuild changes, and a report that takes too long.
 */
import { PgTypes } from "@effect/sql-pg"
import { assert, layer, type Vitest } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Result, Schema } from "effect"
import * as PgBouncer from "../../scripts/torture/PgBouncer.ts"
import * as DateRange from "../../src/analytics/reports/DateRange.ts"
import * as QueryBody from "../../src/analytics/reports/QueryBody.ts"
import type { Site } from "../../src/sites/Site.ts"
import * as Evaluation from "../support/Evaluation.ts"
import { send } from "../support/OwnerRequests.ts"
import * as Locks from "../support/postgres/Locks.ts"
import * as SiteRows from "../support/postgres/SiteRows.ts"
import * as Reported from "../support/ReportProcesses.ts"

/** Repeats a query until it gives true or a row. */
const eventually = <A, E, R>(what: string, look: Effect.Effect<boolean | ReadonlyArray<A>, E, R>) =>
  look.pipe(
    Effect.delay("50 millis"),
    Effect.repeat({ until: (found) => (typeof found === "boolean" ? found : found.length > 0) }),
    Effect.timeoutOrElse({ duration: "90 seconds", orElse: () => Effect.die(new Error(`Timed out: ${what}`)) })
  )

/** Waits until all days are rolled up. */
const untilRolledUp = Effect.gen(function* () {
  const { site, sql } = yield* Reported.Service
  yield* eventually(
    "all days are rolled up",
    sql`SELECT FROM rollup_site WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)} AND rolled_before IS NOT NULL
      AND NOT EXISTS (SELECT FROM rollup_stale)`
  )
})

const Times = Schema.Array(Schema.Struct({ times: Schema.Int }))

/** How many times the 20 days were rolled up: the distinct counts, so one number if all days have the same count. */
const timesRolledUp = Effect.gen(function* () {
  const { sql } = yield* Reported.Service
  const rows =
    yield* sql`SELECT DISTINCT count(*)::int AS times FROM audit WHERE day BETWEEN '2025-03-01' AND '2025-03-20'
    GROUP BY day`.pipe(Effect.flatMap(Schema.decodeUnknownEffect(Times)))
  return rows.map(({ times }) => times)
})

const bodyOf = (site: Site, dimensions: ReadonlyArray<string>) => ({
  site_id: site.websiteConfigId,
  metrics: ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "conversions"],
  date_range: ["2025-02-20", "2025-04-10"],
  dimensions
})

const ask = Effect.fnUntraced(function* ({ owner }: Reported.Server, dimensions: ReadonlyArray<string>) {
  const { key, site } = yield* Reported.Service
  return yield* send(owner, "/v1/owner/query", { key, body: bodyOf(site, dimensions) })
})

/** Checks that the services answer as the definition, `Evaluate`, does. */
const checkAnswers = Effect.fnUntraced(function* (servers: ReadonlyArray<Reported.Server>, when: string) {
  const { site, sql } = yield* Reported.Service
  const rows = yield* SiteRows.read(sql, site)
  for (const dimensions of [[], ["time:day"], ["event:page"], ["visit:source"]]) {
    const request = Result.getOrThrow(QueryBody.decode(bodyOf(site, dimensions)))
    const query = DateRange.queryOf(request, { now: yield* Clock.currentTimeMillis, timeZone: site.timeZone })
    const { results } = Evaluation.evaluate(query, rows)
    for (const server of servers) {
      const answer = yield* ask(server, dimensions)
      assert.strictEqual(answer.status, 200, answer.text)
      assert.deepStrictEqual(JSON.parse(answer.text).results, JSON.parse(JSON.stringify(results)), when)
    }
  }
})

/** Locks a table in another transaction while `effect` runs. */
const whileLocked = <A, E, R>(lock: string, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const { sql } = yield* Reported.Service
    const [locked, finished] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const holding = yield* sql
      .unsafe(`LOCK TABLE ${lock}`)
      .pipe(
        Effect.andThen(Deferred.succeed(locked, undefined)),
        Effect.andThen(Deferred.await(finished)),
        sql.withTransaction,
        Effect.forkChild
      )
    yield* Deferred.await(locked)
    const result = yield* Effect.ensuring(effect, Deferred.succeed(finished, undefined))
    yield* Fiber.join(holding)
    return result
  })

/** The last test ends both services. */
const suite = (it: Vitest.MethodsNonLive<Reported.Service>) => {
  it.effect(
    "only one of two services rolls up a day, and does so again after the day's data or the goals changed",
    () =>
      Effect.gen(function* () {
        const { command, servers, site, sql } = yield* Reported.Service
        for (const [index, batch] of ["", "second"].entries()) {
          if (batch !== "") yield* Reported.addVisits(sql, site, batch)
          yield* checkAnswers(servers, `before the rollup run ${index}`)
          yield* untilRolledUp
          assert.deepStrictEqual(yield* timesRolledUp, [index + 1])
          yield* checkAnswers(servers, `after the rollup run ${index}`)
        }
        // The conversions of all days are counted again.
        yield* command("goal", "create", "--site", site.websiteConfigId, "--page", "/1")
        yield* checkAnswers(servers, "before the rollup run with a goal")
        yield* eventually(
          "days are rolled up again",
          Effect.map(timesRolledUp, (times) => Math.max(...times) > 2)
        )
        yield* untilRolledUp
        assert.deepStrictEqual(yield* timesRolledUp, [3])
        yield* checkAnswers(servers, "after the rollup run with a goal")
      })
  )

  it.effect("running services use the rollups that `report rebuild` makes", () =>
    Effect.gen(function* () {
      const { command, servers, site, sql } = yield* Reported.Service
      yield* untilRolledUp
      // Without triggers, as replication and some restores write rows.
      yield* sql`SET LOCAL session_replication_role = replica`.pipe(
        Effect.andThen(sql`UPDATE page_view SET path = '/moved' WHERE path = '/1'`),
        sql.withTransaction
      )
      for (const server of servers) assert.notInclude((yield* ask(server, ["event:page"])).text, "/moved")
      yield* command("report", "rebuild", "--site", site.websiteConfigId)
      yield* checkAnswers(servers, "after the rebuild")
    })
  )

  it.effect("a report that takes longer than REPORT_TIMEOUT is a 504, and frees its connection", () =>
    Effect.gen(function* () {
      const { servers, site, sql } = yield* Reported.Service
      const [server] = servers
      yield* untilRolledUp
      yield* whileLocked(
        "rollup IN ACCESS EXCLUSIVE MODE",
        Effect.gen(function* () {
          // More reports than a process has connections for.
          const asking = yield* Effect.forkChild(
            Effect.all(
              Array.from({ length: 5 }, () => ask(server, [])),
              { concurrency: "unbounded" }
            )
          )
          yield* eventually("a report waits", Locks.isAwaited(sql))
          const view = { site_id: site.trackingToken, page_path: "/" }
          const { status } = yield* send(server.url, "/v1/public/analytics/track", { body: view })
          assert.strictEqual(status, 204)
          for (const { status, text } of yield* Fiber.join(asking)) {
            assert.strictEqual(status, 504)
            assert.deepStrictEqual(JSON.parse(text), {
              detail: "The report takes longer than the limit of 10s. Choose fewer days, or remove filters."
            })
          }
          yield* eventually(
            "no report waits",
            Effect.map(Locks.isAwaited(sql), (isAwaited) => !isAwaited)
          )
        })
      )
      yield* checkAnswers(servers, "after the timeout")
    })
  )

  it.effect("the rollup run of a killed process leaves nothing behind, and another service rolls up the days", () =>
    Effect.gen(function* () {
      const { end, kill, site, sql, start } = yield* Reported.Service
      yield* end
      const before = yield* timesRolledUp
      const started = yield* whileLocked(
        // Reports can read the table, and a rollup run waits in the middle of its transaction.
        "rollup IN SHARE MODE",
        Effect.gen(function* () {
          yield* Reported.addVisits(sql, site, "late")
          yield* eventually("the process rolls up", Locks.isAwaited(sql))
          yield* kill
          const started = yield* start
          yield* checkAnswers([started], "before the rollup run is taken up")
          assert.deepStrictEqual(yield* timesRolledUp, before)
          return started
        })
      )
      yield* untilRolledUp
      assert.deepStrictEqual(
        yield* timesRolledUp,
        before.map((times) => times + 1)
      )
      yield* checkAnswers([started], "after the rollup run was taken up")
    })
  )
}

/** Through a pooler if there is one, because it keeps less between two statements than PostgreSQL does. */
const through = PgBouncer.executable === undefined ? "PostgreSQL" : "PgBouncer"

layer(Reported.service(through), { timeout: "180 seconds", excludeTestServices: true })(
  `faults: reports of two processes on ${through}`,
  suite
)
