/** Deliveries from the commit of a submission to a real receiver. */
import type { RequestListener } from "node:http"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Option } from "effect"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { Deliveries } from "../../../src/delivery/Delivery.ts"
import * as Dispatcher from "../../../src/delivery/Dispatcher.ts"
import { type Receiver, Webhooks } from "../../../src/delivery/Webhook.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import * as OutwardClient from "../../../src/platform/outward/OutwardClient.ts"
import { deliveriesOf, fanOutSome, freeSlots, MakeDue, newSite, newWebhook, postgres } from "../../support/Delivery.ts"
import { type Received, receiver } from "../../support/Receiver.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"
import { release, remove } from "../../support/TestSubmissions.ts"
import { poll } from "../../support/Wait.ts"

const client = (ports: ReadonlyArray<number>, timeout?: number) =>
  OutwardClient.layer({
    allowed: ports.map((port) => ({ host: "127.0.0.1", port })),
    ...(timeout === undefined ? {} : { timeout })
  })

const ok: RequestListener = (_, response) => response.writeHead(204).end()

/** Makes the pending deliveries of a webhook due now. */
const makeDue = ({ webhookId }: Receiver) => MakeDue.use((run) => run(webhookId))

describe("delivery/postgres", () => {
  it.live(
    "a submission is sent once, with a valid signature; its repetition and a submission to another website send nothing",
    () =>
      Effect.gen(function* () {
        const repo = yield* SubmissionRepo
        const { port, received, url } = yield* receiver(ok)
        const [site, other] = [yield* newSite, yield* newSite]
        const { secret, webhook } = yield* newWebhook(site, url)
        const idempotency = { key: "key", fingerprint: "print" }
        const first = SubmissionDraft.make(site, { idempotency })
        yield* repo.submit(first)
        yield* repo.submit(SubmissionDraft.make(site, { idempotency }))
        yield* repo.submit(SubmissionDraft.make(other))
        yield* Layer.build(Dispatcher.layer.pipe(Layer.provide(client([port]))))
        yield* poll(deliveriesOf(webhook), ([one]) => one?.status === "delivered")
        assert.strictEqual(received.length, 1)
        const [{ body, headers }] = received as [Received]
        assert.doesNotThrow(() => new StandardWebhook(secret).verify(body, headers as Record<string, string>))
        const { data, type } = JSON.parse(body)
        assert.deepStrictEqual(
          [type, data.submission_id, data.form_data],
          ["submission.accepted", first.submissionId, { message: "Hello\0" }]
        )
        assert.strictEqual((yield* deliveriesOf(webhook))[0]?.event_id, headers["webhook-id"])
      }).pipe(Effect.scoped, Effect.provide(postgres))
  )

  it.live("a release and a deletion are events, and a deletion removes the submission's data from its deliveries", () =>
    Effect.gen(function* () {
      const repo = yield* SubmissionRepo
      const deliveries = yield* Deliveries
      const { port, received, url } = yield* receiver((_, response) => response.writeHead(500).end("no"))
      const site = yield* newSite
      const { webhook } = yield* newWebhook(site, url)
      const submission = SubmissionDraft.make(site, { status: "quarantined", reasons: ["links"] })
      yield* repo.submit(submission)
      assert.isTrue(yield* release(site, submission.submissionId))
      assert.isTrue(yield* release(site, submission.submissionId))
      const metrics = TestMetrics.make()
      yield* Layer.build(Layer.fresh(Dispatcher.layer.pipe(Layer.provide(client([port]))))).pipe(
        Effect.provide(metrics.layer)
      )
      yield* poll(deliveriesOf(webhook), (all) => all.length === 2 && all.every(({ attempts }) => attempts === 1))
      yield* poll(
        Effect.sync(() => received.length),
        (count) => count === 2
      )
      yield* poll(
        Effect.sync(() => metrics.value('webhook_attempts_total{outcome="retried"}')),
        (count) => count === 2
      )
      assert.strictEqual(metrics.value('webhook_attempts_total{outcome="failed"}'), 0)
      assert.isTrue(yield* remove(site, submission.submissionId))
      const all = yield* poll(deliveriesOf(webhook), ({ length }) => length === 3)
      assert.sameMembers(
        all.map(({ type }) => type),
        ["submission.quarantined", "submission.released", "submission.deleted"]
      )
      for (const one of all) {
        const details = Option.getOrThrow(yield* deliveries.show(webhook.webhookId, one.event_id))
        if (one.type === "submission.deleted") continue
        assert.deepStrictEqual([details.status, details.payload], ["cancelled", null])
        assert.isTrue(details.history.every(({ answer }) => answer === null))
        assert.isFalse(yield* deliveries.retry(webhook.webhookId, one.event_id))
      }
    }).pipe(Effect.scoped, Effect.provide(postgres))
  )

  it.live(
    "a 2xx response delivers, 410 disables the webhook, and everything else causes a retry with the same id",
    () =>
      Effect.gen(function* () {
        const repo = yield* SubmissionRepo
        const deliveries = yield* Deliveries
        const webhooks = yield* Webhooks
        const big = Buffer.alloc(1024 * 1024, "x")
        const answers: Readonly<Record<string, { readonly respond: RequestListener; readonly status: number | null }>> =
          {
            "200": { respond: (_, response) => response.end("thanks"), status: 200 },
            "204": { respond: ok, status: 204 },
            "301": { respond: (_, response) => response.writeHead(301, { location: "/other" }).end(), status: 301 },
            "400": { respond: (_, response) => response.writeHead(400).end(), status: 400 },
            "410": { respond: (_, response) => response.writeHead(410).end(), status: 410 },
            "429": { respond: (_, response) => response.writeHead(429, { "retry-after": "3600" }).end(), status: 429 },
            "500": { respond: (_, response) => response.writeHead(500).end("x".repeat(10_000)), status: 500 },
            hangs: { respond: () => {}, status: null },
            cuts: { respond: (request) => request.socket.destroy(), status: null },
            large: {
              respond: (_, response) => {
                response.writeHead(200)
                const write = (count: number): void => {
                  if (count === 0 || response.destroyed) return
                  response.write(big, () => write(count - 1))
                }
                write(100)
              },
              status: 200
            }
          }
        const started = []
        for (const [name, { respond, status }] of Object.entries(answers)) {
          const site = yield* newSite
          const { port, received, url } = yield* receiver(respond)
          const { webhook } = yield* newWebhook(site, url)
          yield* repo.submit(SubmissionDraft.make(site))
          started.push({ name, status, port, received, webhook, site })
        }
        yield* Layer.build(
          Dispatcher.layer.pipe(
            Layer.provide(
              client(
                started.map(({ port }) => port),
                3_000
              )
            )
          )
        )
        for (const { name, received, site, status, webhook } of started) {
          const show = Effect.gen(function* () {
            const [one] = yield* deliveriesOf(webhook)
            return one === undefined
              ? undefined
              : Option.getOrUndefined(yield* deliveries.show(webhook.webhookId, one.event_id))
          })
          const first = yield* poll(show, (details) => details !== undefined && details.history.length > 0)
          const [attempt] = first?.history ?? []
          assert.strictEqual(attempt?.status, status, name)
          assert.strictEqual(attempt?.error === null, status !== null, name)
          assert.isAtMost(Buffer.byteLength(attempt?.answer ?? ""), 2_048, name)
          const isDelivered = status !== null && status < 300
          assert.strictEqual(first?.status, isDelivered ? "delivered" : status === 410 ? "failed" : "pending", name)
          if (name === "429")
            assert.isAtLeast(Date.parse(first?.next_attempt_at ?? "") - (yield* Clock.currentTimeMillis), 3_500_000)
          const [current] = yield* webhooks.list(site)
          assert.strictEqual(current?.disabled_at !== null, status === 410, name)
          assert.strictEqual(current?.failing_since !== null, !isDelivered, name)
          if (first?.status !== "pending") continue
          yield* makeDue(webhook)
          yield* poll(show, (details) => (details?.history.length ?? 0) > 1)
          assert.strictEqual(received[0]?.headers["webhook-id"], received[1]?.headers["webhook-id"], name)
          assert.strictEqual(received[0]?.body, received[1]?.body, name)
        }
      }).pipe(Effect.scoped, Effect.provide(postgres)),
    120_000
  )

  it.live("a webhook that is disabled is logged, and what was pending arrives once it is enabled", () =>
    Effect.gen(function* () {
      const repo = yield* SubmissionRepo
      const webhooks = yield* Webhooks
      let status = 500
      const { port, received, url } = yield* receiver((_, response) => {
        response.writeHead(status).end()
        // The others of the same round remain pending.
        if (status === 410) status = 500
      })
      const site = yield* newSite
      const { webhook } = yield* newWebhook(site, url)
      const ids = yield* Effect.forEach([1, 2, 3], () => repo.submit(SubmissionDraft.make(site)))
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.map(Logger.formatLogFmt, (line) => void lines.push(line))])
      yield* Layer.build(Dispatcher.layer.pipe(Layer.provide([client([port]), logs])))
      const show = Effect.map(webhooks.list(site), ([current]) => current)
      // The first attempts are recorded: a lease would last for longer than the first delay.
      const soon = (yield* Clock.currentTimeMillis) + 15_000
      yield* poll(
        deliveriesOf(webhook),
        (all) =>
          all.length === 3 && all.every((one) => one.attempts === 1 && Date.parse(one.next_attempt_at ?? "") < soon)
      )
      status = 410
      yield* makeDue(webhook)
      yield* poll(show, (current) => current?.disabled_at != null)
      yield* poll(
        Effect.sync(() => lines.length),
        (count) => count > 0
      )
      assert.lengthOf(lines, 1)
      assert.match(lines[0] ?? "", /level=WARN .*Disabled a webhook, because its receiver answered 410/)
      assert.include(lines[0], webhook.webhookId)
      assert.notInclude(lines[0], url)
      status = 204
      yield* webhooks.update(webhook.websiteConfigId, webhook.webhookId, { enabled: true })
      yield* makeDue(webhook)
      const ended = yield* poll(deliveriesOf(webhook), (all) => all.every((one) => one.status !== "pending"))
      assert.sameMembers(
        ended.map((one) => one.status),
        ["failed", "delivered", "delivered"]
      )
      const sent = received.map(({ body }) => JSON.parse(body).data.submission_id)
      assert.sameMembers([...new Set(sent)], ids)
    }).pipe(Effect.scoped, Effect.provide(postgres))
  )

  it.live("a receiver that hangs with all its slots in use does not delay others", () =>
    Effect.gen(function* () {
      const repo = yield* SubmissionRepo
      const [hanging, healthy] = [yield* receiver(() => {}), yield* receiver(ok)]
      const [one, other] = [yield* newSite, yield* newSite]
      yield* newWebhook(one, hanging.url)
      const { webhook } = yield* newWebhook(other, healthy.url)
      yield* Effect.forEach(Array.from({ length: 40 }), () => repo.submit(SubmissionDraft.make(one)), {
        concurrency: 40
      })
      yield* Layer.build(Dispatcher.layer.pipe(Layer.provide(client([hanging.port, healthy.port], 3_600_000))))
      yield* poll(
        Effect.sync(() => hanging.received.length),
        (count) => count === 32
      )
      yield* Effect.forEach(Array.from({ length: 40 }), () => repo.submit(SubmissionDraft.make(other)), {
        concurrency: 40
      })
      yield* poll(deliveriesOf(webhook), (all) => all.filter(({ status }) => status === "delivered").length === 40)
      assert.strictEqual(hanging.received.length, 32)
    }).pipe(Effect.scoped, Effect.provide(postgres))
  )

  it.live("two processes send each delivery once, including those that a killed process had leased", () =>
    Effect.gen(function* () {
      const repo = yield* SubmissionRepo
      const deliveries = yield* Deliveries
      const sql = yield* PgClient.PgClient
      const { port, received, url } = yield* receiver(ok)
      const site = yield* newSite
      const { webhook } = yield* newWebhook(site, url)
      yield* Effect.forEach(Array.from({ length: 60 }), () => repo.submit(SubmissionDraft.make(site)), {
        concurrency: 60
      })
      yield* fanOutSome
      // A process leases five deliveries, and is killed before it sends them or records the results.
      const { leased: leasedByKilled } = yield* deliveries.lease({ ...freeSlots, perHealthy: 5 }, new Map())
      assert.strictEqual(leasedByKilled.length, 5)
      assert.strictEqual(
        (yield* deliveries.lease({ ...freeSlots, perHealthy: 5 }, new Map([[webhook.webhookId, 5]]))).leased.length,
        0
      )
      const dispatcher = Layer.build(Layer.fresh(Dispatcher.layer.pipe(Layer.provide(client([port])))))
      yield* Effect.all([dispatcher, dispatcher])
      yield* poll(deliveriesOf(webhook), (all) => all.filter(({ status }) => status === "delivered").length === 55)
      const [lease] = yield* sql`SELECT max(next_attempt_at) <= now() + interval '30 seconds' AS short FROM delivery
        WHERE event_id = ${leasedByKilled[0]?.eventId ?? ""}::uuid`
      assert.deepStrictEqual(lease, { short: true })
      yield* makeDue(webhook)
      yield* poll(sql`SELECT 1 FROM delivery WHERE status <> 'delivered'`, ({ length }) => length === 0)
      const ids = received.map(({ headers }) => headers["webhook-id"])
      assert.deepStrictEqual([ids.length, new Set(ids).size], [60, 60])
      // A late result of the killed process is ignored.
      const [late] = leasedByKilled
      if (late === undefined) return assert.fail("nothing was leased")
      yield* deliveries.settle(late, {
        attempt: { attemptedAt: yield* Clock.currentTimeMillis, status: 500, millis: 1, answer: "", error: null },
        next: { status: "failed" },
        affectsHealth: true
      })
      const details = Option.getOrThrow(yield* deliveries.show(webhook.webhookId, late.eventId))
      assert.deepStrictEqual([details.status, details.history.length], ["delivered", 1])
    }).pipe(Effect.scoped, Effect.provide(postgres))
  )

  it.live(
    "after a rotation both secrets are valid until the old one expires, and the database stores neither in plain text",
    () =>
      Effect.gen(function* () {
        const webhooks = yield* Webhooks
        const sql = yield* PgClient.PgClient
        const site = yield* newSite
        const { secret, webhook } = yield* newWebhook(site, "https://hooks.example/")
        const rotated = Option.getOrThrow(yield* webhooks.rotate(webhook.websiteConfigId, webhook.webhookId))
        const { secrets } = Option.getOrThrow(yield* webhooks.withSecrets(webhook.websiteConfigId, webhook.webhookId))
        assert.deepStrictEqual(secrets, [rotated.secret, secret])
        const rows = JSON.stringify(yield* sql`SELECT row_to_json(webhook)::text AS row FROM webhook`)
        for (const one of secrets) {
          const key = Buffer.from(one.slice("whsec_".length), "base64")
          for (const text of [one, key.toString("base64"), key.toString("hex")]) assert.notInclude(rows, text)
        }
        yield* sql`UPDATE webhook SET previous_secret_until = now()`
        assert.deepStrictEqual(
          Option.getOrThrow(yield* webhooks.withSecrets(webhook.websiteConfigId, webhook.webhookId)).secrets,
          [rotated.secret]
        )
      }).pipe(Effect.provide(postgres))
  )
})
