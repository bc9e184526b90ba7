/**
 * What a webhook costs a submission: rounds of submissions to a website without a webhook and to one with a webhook,
 * alternately, first in a process that only accepts them (`DELIVERY=off`) and then in one that delivers too. The receiver
 * answers at once.
 *
 * The benchmark runs its own PostgreSQL, so that nothing else adds to PostgreSQL's processor time.
 *
 * @module
 */
import { Effect, Schema, type Scope } from "effect"
import * as Process from "../../../test/support/Process.ts"
import { until } from "../../../test/support/Wait.ts"
import * as Cluster from "../../torture/Cluster.ts"
import * as Store from "../../torture/Store.ts"
import * as Webhooks from "../../torture/Webhooks.ts"
import { type Measure, names, rateRow } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import type { Cost } from "./Wrk.ts"

/** The submissions of a round. */
const perRound = 2_000

const clients = 32

const Postmaster = Schema.Tuple([Schema.Struct({ pid: Schema.NumberFromString })])

const modes = [
  {
    id: "webhook-accepting",
    isDelivering: false,
    title: "Submissions with a webhook, in a process that only accepts them"
  },
  { id: "webhook-delivering", isDelivering: true, title: "Submissions with a webhook, in a process that delivers too" }
] as const

/** Measures both modes, each with `rounds` pairs of rounds after a pair that warms up. */
export const measure = (rounds: number): Effect.Effect<ReadonlyArray<Measure>> =>
  Effect.gen(function* () {
    const receiver = yield* Webhooks.receiver()
    const cluster = yield* Cluster.make()
    const sites = {
      without: yield* Store.prepare(cluster.url),
      with: yield* Store.prepare(cluster.url)
    }
    yield* Webhooks.create(cluster.url, sites.with.websiteConfigId, [receiver.url])
    const [{ pid: database }] = yield* cluster.use((sql) =>
      sql`SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1) AS pid`.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Postmaster)),
        Effect.orDie
      )
    )

    /** Submits to a website. The processor time includes the deliveries, until the last has arrived; the rate does not. */
    const round = Effect.fnUntraced(function* (
      service: Process.Process,
      websiteConfigId: string,
      isDelivered: boolean
    ): Effect.fn.Return<Cost, never, Scope.Scope> {
      const read = () => [service.pid, database].map(ProcessorTime.read)
      const [before, startedAt, arrivedBefore] = [read(), performance.now(), receiver.arrivals.size]
      const submissions = yield* Webhooks.submit({
        url: () => service.url,
        websites: [websiteConfigId],
        clients,
        limit: perRound
      })
      yield* until("all are acknowledged", () => submissions.acknowledged.size >= perRound)
      const seconds = (performance.now() - startedAt) / 1000
      yield* submissions.stop
      const count = submissions.acknowledged.size
      if (isDelivered) yield* until("all have arrived", () => receiver.arrivals.size >= arrivedBefore + count)
      const [own = 0, postgres = 0] = read().map((time, index) => (time - (before[index] ?? 0)) / count)
      return { requests: count, perSecond: count / seconds, own, postgres }
    }, Effect.scoped)

    return yield* Effect.forEach(modes, ({ id, isDelivering, title }) =>
      Effect.gen(function* () {
        const service = yield* Process.start("serve", {
          DATABASE_URL: cluster.url,
          SECRETS_KEY: Webhooks.secretsKey,
          WEBHOOK_ALLOW: receiver.host,
          DELIVERY: isDelivering ? "on" : "off"
        })
        const costs: Record<keyof typeof sites, Array<Cost>> = { without: [], with: [] }
        for (let number = 0; number <= rounds; number++) {
          // The two websites take turns at going first.
          const order = number % 2 === 0 ? (["without", "with"] as const) : (["with", "without"] as const)
          for (const name of order) {
            const cost = yield* round(service, sites[name].websiteConfigId, isDelivering && name === "with")
            if (number > 0) costs[name].push(cost)
          }
          if (!isDelivering) yield* cluster.use((sql) => sql`TRUNCATE submission_outbox`)
        }
        return {
          id,
          title,
          unit: "requests/s",
          rows: [rateRow(names.webhook, costs.with), rateRow(names.noWebhook, costs.without)]
        } satisfies Measure
      }).pipe(Effect.scoped)
    )
  }).pipe(Effect.scoped)
