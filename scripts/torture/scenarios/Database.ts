/**
 * PostgreSQL restarted, stopped, hung, cut off and full, under load.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Context, Effect, Layer, Schema } from "effect"
import type * as Process from "../../../test/support/Process.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Cluster from "../Cluster.ts"
import * as Load from "../Load.ts"
import * as Rows from "../Rows.ts"
import * as Store from "../Store.ts"
import { checkAccount, type Figures, rounded } from "./Figures.ts"

const clients = 16

/** How much longer than the timeout a response may take on a busy machine, in milliseconds. */
const slack = 5_000

/** A service and its PostgreSQL. A scenario leaves both as it found them. */
export class Bench extends Context.Service<
  Bench,
  {
    readonly cluster: Cluster.Cluster
    readonly service: Process.Serving
    readonly target: Load.Target
    /** The service's database timeout, in milliseconds. */
    readonly timeout: number
  }
>()("hydracore/torture/DatabaseBench") {}

/** A service with this database timeout, in milliseconds. */
export const bench = (timeout: number, serve: Process.Serve): Layer.Layer<Bench> =>
  Layer.effect(
    Bench,
    Effect.gen(function* () {
      const cluster = yield* Cluster.make()
      const target = yield* Store.prepare(cluster.url)
      const service = yield* serve({ DATABASE_URL: cluster.url, DATABASE_TIMEOUT: `${timeout} millis` })
      return Bench.of({ cluster, service, target, timeout })
    })
  )

/** Injects a fault under load, waits until requests are acknowledged again without intervention, and checks the ledger. */
const injectUnderLoad = Effect.fnUntraced(function* ({ pace }: Load.Paced, fault: Effect.Effect<unknown>) {
  const { cluster, service, target, timeout } = yield* Bench
  const load = yield* Load.start({ url: () => service.url, target, clients, pace })
  yield* until("requests are acknowledged", () => load.acknowledged() > 10 * clients)
  yield* fault
  const [before, faultEnd] = [load.acknowledged(), performance.now()]
  yield* until("the service recovers by itself", () => load.acknowledged() > before + clients)
  const recovery = performance.now() - faultEnd
  yield* load.stop
  const account = yield* Rows.account(cluster.url, load)
  assert.ok(account.slowest < timeout + slack, `a response took ${account.slowest} ms`)
  assert.equal(account.cut + account.unsent + account.refused, 0, "the service did not end")
  return { figures: { ...checkAccount(account), "recovery ms": rounded(recovery) } satisfies Figures, account }
}, Effect.scoped)

/** A fault that is over within the timeout fails no request. */
const survived = (paced: Load.Paced, fault: Effect.Effect<unknown>) =>
  Effect.map(injectUnderLoad(paced, fault), ({ account, figures }) => {
    assert.equal(account.unavailable, 0, "a fault within the timeout costs no request")
    return figures
  })

/** Restarts in a row, each under load. */
export const restarts = Effect.fnUntraced(function* (options: Load.Paced & { readonly times: number }) {
  const { cluster } = yield* Bench
  const restart = cluster.stop.pipe(Effect.andThen(cluster.start), Effect.andThen(pause(300)))
  const all = Effect.forEach(Array.from({ length: options.times }), () => restart, { discard: true })
  return { restarts: options.times, ...(yield* survived(options, all)) }
})

/** Stopped for `millis`, then started. */
export const stopped = Effect.fnUntraced(function* (options: Load.Paced & { readonly millis: number }) {
  const { cluster } = yield* Bench
  return yield* survived(
    options,
    cluster.stop.pipe(Effect.andThen(pause(options.millis)), Effect.andThen(cluster.start))
  )
})

/** Hung for `millis`, then resumed. */
export const hung = Effect.fnUntraced(function* (options: Load.Paced & { readonly millis: number }) {
  const { cluster } = yield* Bench
  return yield* survived(
    options,
    cluster.freeze.pipe(Effect.andThen(pause(options.millis)), Effect.andThen(cluster.thaw))
  )
})

const TerminatedRows = Schema.Array(Schema.Struct({ done: Schema.Boolean }))

/** The server repeatedly ends every connection of the service. */
export const terminated = Effect.fnUntraced(function* (options: Load.Paced & { readonly times: number }) {
  const { cluster } = yield* Bench
  let cut = 0
  const once = cluster
    .use((sql) =>
      sql`SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity WHERE application_name = 'hydracore-edge'`.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(TerminatedRows))
      )
    )
    .pipe(
      Effect.tap((rows) =>
        Effect.sync(() => {
          cut += rows.length
        })
      ),
      Effect.andThen(pause(100))
    )
  const figures = yield* survived(
    options,
    Effect.forEach(Array.from({ length: options.times }), () => once, { discard: true })
  )
  assert.ok(cut >= options.times, "connections were ended")
  return { "connections ended": cut, ...figures }
})

/** Asserts that a request during the fault gets a 503 with Retry-After and without internals. Returns the status of `/readyz`. */
const demandUnavailable = ({ service, target }: Bench["Service"]) =>
  Effect.promise(async () => {
    const response = await fetch(`${service.url}/v1/public/forms/submit`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ site_id: target.websiteConfigId, form_data: { probe: true } })
    })
    const text = await response.text()
    assert.equal(response.status, 503, text)
    assert.match(response.headers.get("retry-after") ?? "", /^\d+$/)
    assert.doesNotMatch(text, /postgres|sql|ECONN|socket|extend|\/tmp/i)
    const ready = await fetch(`${service.url}/readyz`)
    await ready.text()
    return ready.status
  })

/** Stopped, hung or read-only for longer than the timeout: a bounded wait, a 503, and recovery. */
export const beyondTimeout = Effect.fnUntraced(function* (
  options: Load.Paced & { readonly how: "stopped" | "hung" | "demoted" }
) {
  const bench = yield* Bench
  const { cluster, timeout } = bench
  const [begin, end] = {
    stopped: [cluster.stop, cluster.start],
    hung: [cluster.freeze, cluster.thaw],
    demoted: [cluster.demote, cluster.promote]
  }[options.how] as [Effect.Effect<void>, Effect.Effect<void>]
  let readyStatus = 0
  const { account, figures } = yield* injectUnderLoad(
    options,
    Effect.gen(function* () {
      yield* begin
      readyStatus = yield* Effect.ensuring(demandUnavailable(bench), end)
    })
  )
  assert.equal(readyStatus, 503, "/readyz answers 503")
  assert.ok(account.unavailable > 0)
  return { "timeout ms": timeout, ...figures }
})

/** Every insert fails as on a full disk (SQLSTATE 53100) for longer than the timeout. */
export const full = Effect.fnUntraced(function* (options: Load.Paced) {
  const bench = yield* Bench
  const { cluster, timeout } = bench
  const run = (...statements: ReadonlyArray<string>) =>
    cluster.use((sql) => Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true }))
  let readyStatus = 0
  const { account, figures } = yield* injectUnderLoad(
    options,
    Effect.gen(function* () {
      yield* run(
        `CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$`,
        "CREATE TRIGGER disk_full BEFORE INSERT ON page_view FOR EACH ROW EXECUTE FUNCTION disk_full()",
        "CREATE TRIGGER disk_full BEFORE INSERT ON submission FOR EACH ROW EXECUTE FUNCTION disk_full()"
      )
      readyStatus = yield* demandUnavailable(bench)
      yield* run(
        "DROP TRIGGER disk_full ON page_view",
        "DROP TRIGGER disk_full ON submission",
        "DROP FUNCTION disk_full"
      )
    })
  )
  assert.equal(readyStatus, 503, "/readyz answers 503")
  assert.ok(account.unavailable > 0)
  return { "timeout ms": timeout, ...figures }
})
