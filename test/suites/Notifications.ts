/**
 * The suite of every `Notifications`.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option } from "effect"
import type { Topic } from "../../src/core/mail/Notification.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { Notifications } from "../../src/services/mail/Notifications.ts"
import { SiteErasure } from "../../src/services/sites/SiteErasure.ts"
import { deliveriesOf, fanOutAll, newSite, newWebhook, type Storage } from "../support/Delivery.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"

const submissions: Topic = { kind: "submissions", digest: null, includeQuarantined: false }
const weekly: Topic = { kind: "report", period: "weekly" }

const add = (websiteConfigId: string, recipient: string, topic: Topic = submissions) =>
  Notifications.use((notifications) => notifications.add({ websiteConfigId, recipient, topic })).pipe(
    Effect.map(Option.getOrThrow)
  )

const listed = (websiteConfigId: string) =>
  Notifications.use((notifications) => notifications.list(websiteConfigId)).pipe(
    Effect.map((all) => all.map(({ notification }) => notification))
  )

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("a website's notifications are listed, found and removed, and no others", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* newSite, yield* newSite]
        const first = yield* add(site, "ada@example.com")
        yield* Effect.sleep("5 millis")
        const second = yield* add(site, "ada@example.com", weekly)
        const others = yield* add(other, "eve@example.com", {
          ...submissions,
          digest: "daily",
          includeQuarantined: true
        })
        assert.deepStrictEqual(yield* listed(site), [first, second])
        assert.isTrue(yield* notifications.isUsed)
        assert.deepStrictEqual(yield* listed(other), [others])
        assert.deepStrictEqual(yield* notifications.find(others.notificationId), Option.some(others))
        assert.isTrue(yield* notifications.remove(first.notificationId))
        assert.isFalse(yield* notifications.remove(first.notificationId))
        assert.isTrue(Option.isNone(yield* notifications.find(first.notificationId)))
        assert.deepStrictEqual(yield* listed(site), [second])
        assert.deepStrictEqual(yield* notifications.list(site), [{ notification: second, latest: null }])
      })
    )

    it.effect("adding a recipient and topic again updates the options of one notification", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const first = yield* add(site, "ada@example.com")
        const changed: Topic = { kind: "submissions", digest: "15m", includeQuarantined: true }
        assert.deepStrictEqual(yield* add(site, "ada@example.com", changed), { ...first, topic: changed })
        yield* add(site, "ada@example.com", weekly)
        yield* add(site, "ada@example.com", { kind: "report", period: "monthly" })
        assert.deepStrictEqual(
          new Set<string | null>(
            (yield* listed(site)).map(({ topic }) => (topic.kind === "report" ? topic.period : topic.digest))
          ),
          new Set(["15m", "weekly", "monthly"])
        )
      })
    )

    it.effect("nothing is added to a website that does not exist, or that was deleted", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const site = yield* newSite
        const { notificationId } = yield* add(site, "ada@example.com")
        yield* SiteErasure.use((erasure) => erasure.erase(site))
        assert.isTrue(Option.isNone(yield* notifications.find(notificationId)))
        for (const unknown of [site, randomUUID(), "no website"]) {
          const given = { websiteConfigId: unknown, recipient: "ada@example.com", topic: submissions }
          assert.isTrue(Option.isNone(yield* notifications.add(given)))
          assert.deepStrictEqual(yield* notifications.list(unknown), [])
        }
        for (const unknown of [randomUUID(), "no notification"]) {
          assert.isFalse(yield* notifications.remove(unknown))
          assert.isTrue(Option.isNone(yield* notifications.find(unknown)))
        }
      })
    )

    it.effect("a website's webhook still gets events after its last notification was removed", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const site = yield* newSite
        const { notificationId } = yield* add(site, "ada@example.com")
        const { webhook } = yield* newWebhook(site, "https://hooks.example/")
        yield* notifications.remove(notificationId)
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))
        yield* fanOutAll
        assert.lengthOf(yield* deliveriesOf(webhook), 1)
      })
    )
  })
