/**
 * Webhooks under load, beside receivers that are down or hang, and through kills and restarts.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect } from "effect"
import * as Process from "../../../test/support/Process.ts"
import { until } from "../../../test/support/Wait.ts"
import { quantile } from "../../bench/harness/Statistics.ts"
import * as Cluster from "../Cluster.ts"
import * as PgBouncer from "../PgBouncer.ts"
import * as Store from "../Store.ts"
import * as Webhooks from "../Webhooks.ts"
import { type Figures, rounded } from "./Figures.ts"

const clients = 16

/** A host and port at which nothing listens. `WEBHOOK_ALLOW` allows them. */
const dead = "127.0.0.1:9"

const environment = (receivers: ReadonlyArray<Webhooks.Receiver>) => ({
  SECRETS_KEY: Webhooks.secretsKey,
  WEBHOOK_ALLOW: [dead, ...receivers.map(({ host }) => host)].join(",")
})

/**
 * Submissions to a website with three receivers: one is dead, one hangs, and one answers. The one that answers gets every
 * submission, 99 % of them within two seconds.
 */
export const unequal = Effect.fnUntraced(function* (options: {
  readonly submissions: number
  readonly perSecond: number
}) {
  const healthy = yield* Webhooks.receiver()
  const hanging = yield* Webhooks.receiver(() => {})
  const cluster = yield* Cluster.make()
  const { websiteConfigId } = yield* Store.prepare(cluster.url)
  yield* Webhooks.create(cluster.url, websiteConfigId, [`http://${dead}/`, hanging.url, healthy.url])
  const service = yield* Process.start("serve", { DATABASE_URL: cluster.url, ...environment([healthy, hanging]) })
  const submissions = yield* Webhooks.submit({
    url: () => service.url,
    websites: [websiteConfigId],
    clients,
    limit: options.submissions,
    perSecond: options.perSecond
  })
  yield* until("all are acknowledged", () => submissions.acknowledged.size >= options.submissions, 600_000)
  yield* until("all have arrived", () => healthy.arrivals.size >= submissions.acknowledged.size, 600_000)
  const figures = Webhooks.account(submissions, healthy)
  assert.equal(figures.lost + figures.doubled, 0)
  const delays = Webhooks.delays(submissions, healthy)
  const p99 = quantile(delays, 0.99)
  assert.ok(p99 < 2_000, `the 99th percentile is ${p99} ms`)
  return {
    submissions: submissions.acknowledged.size,
    "per second": options.perSecond,
    ...figures,
    "p50 ms": rounded(quantile(delays, 0.5)),
    "p99 ms": rounded(p99),
    "hanging requests": hanging.requests()
  } satisfies Figures
}, Effect.scoped)

/**
 * Kills the service again and again while it takes submissions and delivers them, every second time soon after a restart of
 * PostgreSQL. Each acknowledged submission arrives, as one event.
 */
export const kills = Effect.fnUntraced(function* (options: {
  readonly rounds: number
  /** The number of acknowledged submissions between two kills. */
  readonly submissionsPerKill: number
  readonly isPooled: boolean
}) {
  const healthy = yield* Webhooks.receiver()
  const cluster = yield* Cluster.make()
  const { websiteConfigId } = yield* Store.prepare(cluster.url)
  yield* Webhooks.create(cluster.url, websiteConfigId, [healthy.url])
  const url = options.isPooled ? yield* PgBouncer.start(cluster) : cluster.url
  const begin = Process.start("serve", { DATABASE_URL: url, ...environment([healthy]) })
  let service = yield* begin
  const submissions = yield* Webhooks.submit({ url: () => service.url, websites: [websiteConfigId], clients })
  for (let round = 0; round < options.rounds; round++) {
    const acknowledged = submissions.acknowledged.size
    yield* until(
      "submissions are acknowledged",
      () => submissions.acknowledged.size >= acknowledged + options.submissionsPerKill
    )
    if (round % 2 === 1) {
      yield* Effect.andThen(cluster.stop, cluster.start)
      if (options.isPooled) yield* PgBouncer.readmit(cluster)
    }
    const arrived = healthy.arrivals.size
    yield* until("submissions arrive", () => healthy.arrivals.size > arrived)
    yield* service.signal("SIGKILL")
    service = yield* begin
  }
  yield* submissions.stop
  const stopped = performance.now()
  yield* until("all have arrived", () => Webhooks.account(submissions, healthy).lost === 0, 120_000)
  const figures = Webhooks.account(submissions, healthy)
  assert.equal(figures.doubled, 0, "a submission is one event")
  return {
    rounds: options.rounds,
    submissions: submissions.acknowledged.size,
    ...figures,
    "last after ms": rounded(performance.now() - stopped)
  } satisfies Figures
}, Effect.scoped)
