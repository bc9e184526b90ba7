/**
 * The tests that every layer of `Notifications` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import * as MailRecipient from "../../src/core/mail/MailRecipient.ts"
import type { Topic } from "../../src/core/mail/Notification.ts"
import { dayMillis } from "../../src/core/text/Calendar.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { type AddedByOwner, Notifications } from "../../src/services/mail/Notifications.ts"
import { SiteErasure } from "../../src/services/sites/SiteErasure.ts"
import { deliveriesOf, fanOutAll, newSite, newWebhook, type Storage } from "../support/Delivery.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"
import { poll } from "../support/Wait.ts"

const submissions: Topic = { kind: "submissions", digest: null, includeQuarantined: false }
const weekly: Topic = { kind: "report", period: "weekly" }

const add = (websiteConfigId: string, recipient: string, topic: Topic = submissions) =>
  Notifications.use((notifications) => notifications.add({ websiteConfigId, recipient, topic })).pipe(
    Effect.map(Option.getOrThrow)
  )

const addByOwner = (websiteConfigId: string, recipient: string, topic: Topic = submissions) =>
  Notifications.use((notifications) => notifications.addByOwner({ websiteConfigId, recipient, topic }))

const notificationOf = (added: AddedByOwner) =>
  added._tag === "Added" ? added.notification : assert.fail(`not added: ${added._tag}`)

const listed = (websiteConfigId: string) =>
  Notifications.use((notifications) => notifications.list(websiteConfigId)).pipe(
    Effect.map((all) => all.map(({ notification }) => notification))
  )

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("lists, finds and removes the notifications of a website, and no others", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* newSite, yield* newSite]
        const first = yield* add(site, "ada@example.com")
        const addedAt = yield* Clock.currentTimeMillis
        yield* poll(Clock.currentTimeMillis, (now) => now > addedAt + 1)
        const second = yield* add(site, "ada@example.com", weekly)
        const ofOther = yield* add(other, "eve@example.com", {
          ...submissions,
          digest: "daily",
          includeQuarantined: true
        })
        assert.deepStrictEqual(yield* listed(site), [first, second])
        assert.isTrue(yield* notifications.isUsed)
        assert.deepStrictEqual(yield* listed(other), [ofOther])
        assert.deepStrictEqual(yield* notifications.find(ofOther.notificationId), Option.some(ofOther))
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

    it.effect("no notification is added to an unknown or deleted website", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const site = yield* newSite
        const { notificationId } = yield* add(site, "ada@example.com")
        yield* SiteErasure.use((erasure) => erasure.erase(site))
        assert.isTrue(Option.isNone(yield* notifications.find(notificationId)))
        for (const unknown of [site, randomUUID(), "no website"]) {
          const request = { websiteConfigId: unknown, recipient: "ada@example.com", topic: submissions }
          assert.isTrue(Option.isNone(yield* notifications.add(request)))
          assert.deepStrictEqual(yield* notifications.list(unknown), [])
        }
        for (const unknown of [randomUUID(), "not a notification"]) {
          assert.isFalse(yield* notifications.remove(unknown))
          assert.isTrue(Option.isNone(yield* notifications.find(unknown)))
        }
      })
    )

    it.effect("an address that the owner adds must confirm once, for all its notifications of the website", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* newSite, yield* newSite]
        yield* addByOwner(site, "ada@example.com")
        yield* addByOwner(site, "Ada@example.com", weekly)
        yield* addByOwner(site, "bob@example.com")
        yield* addByOwner(other, "ada@example.com")
        const confirmed = (websiteConfigId: string) =>
          Effect.map(listed(websiteConfigId), (all) => all.filter((one) => one.isConfirmed).map((one) => one.recipient))
        assert.deepStrictEqual(yield* confirmed(site), [])
        const isAda = (address: string) => address.toLowerCase() === "ada@example.com"
        for (const _ of [1, 2]) {
          assert.isTrue(yield* notifications.confirm(site, isAda))
          assert.sameMembers(yield* confirmed(site), ["ada@example.com", "Ada@example.com"])
        }
        assert.deepStrictEqual(yield* confirmed(other), [])
        assert.isFalse(yield* notifications.confirm(site, () => false))
        assert.isFalse(yield* notifications.confirm(randomUUID(), isAda))
        const monthly = { kind: "report", period: "monthly" } as const
        assert.isTrue(notificationOf(yield* addByOwner(site, "ada@example.com", monthly)).isConfirmed)
        assert.isFalse(notificationOf(yield* addByOwner(site, "bob@example.com", monthly)).isConfirmed)
        assert.isTrue((yield* add(site, "bob@example.com", weekly)).isConfirmed)
        assert.lengthOf(yield* confirmed(site), 6)
      })
    )

    it.effect(
      "only the operator can add an unsubscribed notification again, whatever the letter case of its address",
      () =>
        Effect.gen(function* () {
          const notifications = yield* Notifications
          const [site, other] = [yield* newSite, yield* newSite]
          const first = yield* addByOwner(site, "ada@example.com").pipe(Effect.map(notificationOf))
          const second = yield* addByOwner(site, "ada@example.com", weekly).pipe(Effect.map(notificationOf))
          yield* notifications.unsubscribe(first.notificationId)
          yield* notifications.unsubscribe(first.notificationId)
          assert.deepStrictEqual(yield* listed(site), [second])
          for (const address of ["ada@example.com", "Ada@Example.com"]) {
            assert.deepStrictEqual(yield* addByOwner(site, address), { _tag: "Unsubscribed" })
          }
          assert.strictEqual((yield* addByOwner(site, "ada@example.com", weekly))._tag, "Added")
          assert.strictEqual((yield* addByOwner(other, "ada@example.com"))._tag, "Added")
          yield* add(site, "Ada@example.com")
          assert.strictEqual((yield* addByOwner(site, "ada@example.com"))._tag, "Added")
        })
    )

    it.effect("erasing a recipient deletes its state on one website, or on all", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const sites = [yield* newSite, yield* newSite, yield* newSite]
        for (const site of sites) {
          const { notificationId } = notificationOf(yield* addByOwner(site, "ada@example.com"))
          yield* notifications.unsubscribe(notificationId)
        }
        const results = Effect.forEach(sites, (site) =>
          Effect.map(addByOwner(site, "ada@example.com"), ({ _tag }) => _tag)
        )
        yield* notifications.eraseRecipient("eve@example.com", null)
        yield* notifications.eraseRecipient("Ada@example.com", sites[0] ?? "")
        assert.deepStrictEqual(yield* results, ["Added", "Unsubscribed", "Unsubscribed"])
        yield* notifications.eraseRecipient("ada@example.com", null)
        assert.deepStrictEqual(yield* results, ["Added", "Added", "Added"])
      })
    )

    it.effect("new addresses that the owner adds are limited per day, and those removed again count too", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* newSite, yield* newSite]
        for (let count = 0; count < MailRecipient.maxMails; count++) {
          const { notificationId } = notificationOf(yield* addByOwner(site, `${count}@example.com`))
          yield* notifications.remove(notificationId)
        }
        const refused = yield* addByOwner(site, "ada@example.com")
        if (refused._tag !== "TooManyNew") return assert.fail(refused._tag)
        assert.isAbove(refused.waitMillis, dayMillis - 60_000)
        assert.isAtMost(refused.waitMillis, dayMillis)
        assert.strictEqual((yield* addByOwner(site, "0@example.com"))._tag, "Added")
        assert.strictEqual((yield* addByOwner(other, "ada@example.com"))._tag, "Added")
        yield* add(site, "ada@example.com")
        assert.strictEqual((yield* addByOwner(site, "ada@example.com", weekly))._tag, "Added")
        assert.strictEqual((yield* addByOwner(randomUUID(), "ada@example.com"))._tag, "NoWebsite")
      })
    )

    it.effect("a webhook still gets events after the website's last notification was removed", () =>
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
