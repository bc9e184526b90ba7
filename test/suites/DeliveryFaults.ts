/**
 * The tests of faults that every layer of `Deliveries` must pass: no event is lost, and an event that is sent twice has the same
 * id and body.
 *
 * @module
 */
import { assert, layer as shared } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Dispatcher from "../../src/delivery/Dispatcher.ts"
import type { Receiver } from "../../src/delivery/Webhook.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as OutwardClient from "../../src/platform/outward/OutwardClient.ts"
import { deliveriesOf, MakeDue, newSite, newWebhook, type Storage } from "../support/Delivery.ts"
import * as DyingProcess from "../support/DyingProcess.ts"
import { type Received, receiver } from "../support/Receiver.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"
import { poll } from "../support/Wait.ts"

/** A website with submissions and a webhook, a receiver that responds 204, and a client that may connect to it. */
const setup = Effect.fnUntraced(function* (submissions: number) {
  const { port, received, url } = yield* receiver((_, response) => response.writeHead(204).end())
  const site = yield* newSite
  const { webhook } = yield* newWebhook(site, url)
  const ids = yield* Effect.forEach(
    Array.from({ length: submissions }),
    () => SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site))),
    { concurrency: "unbounded" }
  )
  return { ids, webhook, received, client: OutwardClient.layer({ allowed: [{ host: "127.0.0.1", port }] }) }
})

/** Waits until the webhook has got this many deliveries. Runs `prepare` before each poll. */
const untilDelivered = <E, R>(webhook: Receiver, count: number, prepare: Effect.Effect<void, E, R>) =>
  poll(
    Effect.andThen(prepare, deliveriesOf(webhook)),
    (all) => all.filter(({ status }) => status === "delivered").length === count
  )

/** Ends the leases that processes held when they died. */
const endLeases = ({ webhookId }: Receiver) => MakeDue.use((makeDue) => makeDue(webhookId))

/** The submission of each received event. Asserts that events with the same id have the same body. */
const eventsOf = (received: ReadonlyArray<Received>) => {
  const bodies = new Map<unknown, string>()
  for (const { body, headers } of received) {
    const id = headers["webhook-id"]
    assert.strictEqual(bodies.get(id) ?? body, body, "the same id has the same body")
    bodies.set(id, body)
  }
  return Array.from(bodies.values(), (body) => JSON.parse(body).data.submission_id)
}

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true, timeout: "60 seconds" })(name, (it) => {
    for (const step of DyingProcess.steps) {
      it.effect(`if a process is killed ${step}, another process delivers each event`, () =>
        Effect.gen(function* () {
          const { client, ids, received, webhook } = yield* setup(5)
          yield* DyingProcess.dieAt(step, client)
          yield* endLeases(webhook)
          yield* Layer.build(Layer.fresh(Dispatcher.layer.pipe(Layer.provide(client))))
          yield* untilDelivered(webhook, ids.length, Effect.void)
          // One event for each submission, in any order, and no event with another id.
          assert.sameMembers(eventsOf(received), ids)
          if (!/response|record/.test(step)) assert.lengthOf(received, ids.length)
        }).pipe(Effect.scoped)
      )
    }

    it.effect("no event is lost if processes are killed at every step, one after another", () =>
      Effect.gen(function* () {
        const { client, ids, received, webhook } = yield* setup(40)
        for (const step of DyingProcess.steps) {
          yield* DyingProcess.dieAt(step, client)
          yield* endLeases(webhook)
        }
        yield* Layer.build(Layer.fresh(Dispatcher.layer.pipe(Layer.provide(client))))
        // The last statement of a killed process may take its leases only now.
        yield* untilDelivered(webhook, ids.length, endLeases(webhook))
        assert.sameMembers(eventsOf(received), ids)
      }).pipe(Effect.scoped)
    )

    it.effect("a process in which every step fails once delivers each event", () =>
      Effect.gen(function* () {
        const { client, ids, received, webhook } = yield* setup(10)
        const failed = yield* DyingProcess.failingOnce(client)
        yield* untilDelivered(webhook, ids.length, endLeases(webhook))
        assert.sameMembers(eventsOf(received), ids)
        assert.sameMembers([...failed], [...DyingProcess.steps])
      }).pipe(Effect.scoped)
    )
  })
