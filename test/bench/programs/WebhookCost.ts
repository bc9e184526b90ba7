/**
 * Measures what a webhook costs: `node test/bench/programs/WebhookCost.ts [rounds] [submissions of a round]`. Each round
 * submits the same number of forms to a website without a webhook and to one with a webhook, first in a process that only
 * takes in (`DELIVERY=off`) and then in one that delivers too. Prints microseconds of processor time for one submission.
 *
 * @module
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Schema } from "effect"
import { until } from "../../support/Wait.ts"
import * as Cluster from "../../torture/Cluster.ts"
import * as Process from "../../torture/Process.ts"
import * as Store from "../../torture/Store.ts"
import * as Webhooks from "../../torture/Webhooks.ts"
import * as ProcessorTime from "../harness/ProcessorTime.ts"

const [rounds = 5, each = 2_000] = process.argv.slice(2).map(Number)

const clients = 32

const Postmaster = Schema.Tuple([Schema.Struct({ pid: Schema.NumberFromString })])

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN

/** The processor time of one submission, of the service and of PostgreSQL. */
interface Cost {
  readonly own: number
  readonly database: number
}

const bench = Effect.gen(function* () {
  const receiver = yield* Webhooks.receiver()
  const cluster = yield* Cluster.make()
  const [plain, told] = [yield* Store.prepare(cluster.url), yield* Store.prepare(cluster.url)]
  yield* Webhooks.create(cluster.url, told.websiteConfigId, [receiver.url])
  const [{ pid: database }] = yield* cluster.use((sql) =>
    sql`SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1) AS pid`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Postmaster))
    )
  )

  /** Submits to a website, and waits for the deliveries if there are any. */
  const round = Effect.fnUntraced(function* (service: Process.Process, websiteConfigId: string, isDelivered: boolean) {
    const [own, other, arrived] = [
      ProcessorTime.read(service.pid),
      ProcessorTime.read(database),
      receiver.arrivals.size
    ]
    const submissions = yield* Webhooks.submit({
      url: () => service.url,
      websites: [websiteConfigId],
      clients,
      most: each
    })
    yield* until("all are acknowledged", () => submissions.acknowledged.size >= each)
    yield* submissions.stop
    const count = submissions.acknowledged.size
    if (isDelivered) yield* until("all have arrived", () => receiver.arrivals.size >= arrived + count)
    return {
      own: (ProcessorTime.read(service.pid) - own) / count,
      database: (ProcessorTime.read(database) - other) / count
    } satisfies Cost
  }, Effect.scoped)

  for (const isDelivering of [false, true]) {
    yield* Effect.gen(function* () {
      const service = yield* Process.start("serve", {
        DATABASE_URL: cluster.url,
        SECRETS_KEY: Webhooks.secretsKey,
        WEBHOOK_ALLOW: receiver.host,
        DELIVERY: isDelivering ? "on" : "off"
      })
      const costs: Array<{ readonly without: Cost; readonly one: Cost }> = []
      // The first round warms up.
      for (let number = 0; number <= rounds; number++) {
        const without = yield* round(service, plain.websiteConfigId, false)
        const one = yield* round(service, told.websiteConfigId, isDelivering)
        if (!isDelivering) yield* cluster.use((sql) => sql`TRUNCATE submission_outbox`)
        if (number > 0) costs.push({ without, one })
      }
      const row = (name: string, of: (cost: Cost) => number) => {
        const ratios = costs.map(({ one, without }) => of(one) / of(without))
        console.log(
          [
            (isDelivering ? "delivering" : "taking in").padEnd(12),
            name.padEnd(12),
            `${median(costs.map(({ without }) => of(without))).toFixed(0)} µs`.padStart(10),
            `${median(costs.map(({ one }) => of(one))).toFixed(0)} µs`.padStart(10),
            `ratio ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)} to ${Math.max(...ratios).toFixed(3)})`
          ].join("  ")
        )
      }
      row("service", ({ own }) => own)
      row("PostgreSQL", ({ database }) => database)
      row("both", ({ database, own }) => own + database)
    }).pipe(Effect.scoped)
  }
}).pipe(Effect.scoped)

NodeRuntime.runMain(bench)
