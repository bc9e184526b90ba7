/**
 * The tests that every layer of `Mails` must pass: how mails are created, leased and settled.
 *
 * @module
 */
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import { type LeasedMail, Mails } from "../../src/delivery/mail/Mail.ts"
import * as MailTimes from "../../src/delivery/mail/MailTimes.ts"
import { type NewNotification, Notifications } from "../../src/delivery/mail/Notification.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { disableByFailures, fanOutAll, newSite, newWebhook, type Storage } from "../support/Delivery.ts"
import {
  add,
  countOf,
  day,
  idsOf,
  later,
  latest,
  leaseFor,
  makeAll,
  record,
  submit,
  submitMany
} from "../support/Mails.ts"
import { release, remove } from "../support/TestSubmissions.ts"
import * as Confirmations from "./ConfirmationMails.ts"
import * as Conversations from "./MailConversations.ts"
import * as Digests from "./MailDigests.ts"

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    Digests.suite(it)
    Conversations.suite(it)
    Confirmations.suite(it)

    it.effect("each recipient of the website gets one mail about a submission, and other recipients get none", () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const [ada, bob] = [yield* add(site), yield* add(site, {}, "bob@example.com")]
        const eve = yield* add(other, {}, "eve@example.com")
        const id = yield* submit(site)
        yield* makeAll()
        yield* makeAll()
        const leased = yield* Mails.use((mails) => mails.lease(1_000))
        const mails = leased.filter((mail) => mail.site.websiteConfigId === site)
        assert.sameMembers(
          mails.map(({ notification }) => notification.to),
          ["ada@example.com", "bob@example.com"]
        )
        assert.deepStrictEqual(mails.map(idsOf), [[id], [id]])
        assert.deepStrictEqual([...new Set(mails.map(({ mailId }) => mailId))].length, 2)
        assert.deepStrictEqual([mails[0]?.site.name, mails[0]?.attempt], ["test", 1])
        assert.isFalse(leased.some(({ notification }) => notification.notification_id === eve.notification_id))
        for (const mail of mails) yield* record(mail, { status: "sent" })
        for (const one of [ada, bob]) {
          const { attempts, error, status } = (yield* latest(one)) ?? assert.fail("there is no mail")
          assert.deepStrictEqual([status, attempts, error], ["sent", 1, null])
          assert.deepStrictEqual(yield* leaseFor(one), [])
        }
      })
    )

    it.effect(
      "a quarantined submission is mailed after its release, or at once by a notification that includes quarantined ones",
      () =>
        Effect.gen(function* () {
          const site = yield* newSite
          const [withoutQuarantined, withQuarantined] = [
            yield* add(site),
            yield* add(site, { quarantined: true }, "bob@example.com")
          ]
          const id = yield* submit(site, { status: "quarantined", reasons: ["links"] })
          yield* makeAll()
          const first = yield* Mails.use((mails) => mails.lease(1_000))
          const ofSite = (mails: ReadonlyArray<LeasedMail>) =>
            mails
              .filter((mail) => mail.site.websiteConfigId === site)
              .map((mail) => [mail.notification.to, idsOf(mail)])
          assert.deepStrictEqual(ofSite(first), [[withQuarantined.to, [id]]])
          yield* release(site, id)
          yield* makeAll()
          assert.deepStrictEqual(ofSite(yield* Mails.use((mails) => mails.lease(1_000))), [
            [withoutQuarantined.to, [id]]
          ])
          yield* remove(site, id)
          yield* makeAll()
          assert.deepStrictEqual(ofSite(yield* Mails.use((mails) => mails.lease(1_000))), [])
        })
    )

    it.effect(
      "a mail whose attempt failed is leased again with the same id, and only the latest lease can record an attempt",
      () =>
        Effect.gen(function* () {
          const site = yield* newSite
          const notification = yield* add(site)
          yield* submit(site)
          yield* makeAll()
          const [first] = yield* leaseFor(notification)
          if (first === undefined) return assert.fail("there is no mail")
          assert.deepStrictEqual(yield* leaseFor(notification), [])
          yield* record(
            first,
            { status: "pending", nextAttemptAt: (yield* Clock.currentTimeMillis) - 1_000 },
            "450 later"
          )
          const { error, status } = (yield* latest(notification)) ?? assert.fail("there is no mail")
          assert.deepStrictEqual([status, error], ["pending", "450 later"])
          const [second] = yield* leaseFor(notification)
          assert.deepStrictEqual([second?.mailId, second?.attempt], [first.mailId, 2])
          yield* record(first, { status: "failed" }, "late")
          assert.strictEqual((yield* latest(notification))?.status, "pending")
          if (second !== undefined) yield* record(second, { status: "sent" })
          yield* record(first, { status: "pending", nextAttemptAt: (yield* Clock.currentTimeMillis) - 1_000 })
          assert.strictEqual((yield* latest(notification))?.status, "sent")
          assert.deepStrictEqual(yield* leaseFor(notification), [])
        })
    )

    it.effect("a mail contains no data of a submission that was deleted before the mail is sent", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const notification = yield* add(site, { digest: "15m" })
        const [deleted, other] = yield* submitMany(site, 2)
        yield* makeAll((yield* Clock.currentTimeMillis) + MailTimes.quarterMillis)
        assert.isDefined(deleted)
        yield* remove(site, deleted)
        const [mail] = yield* leaseFor(notification)
        assert.deepStrictEqual(mail && [countOf(mail), idsOf(mail)], [1, [other]])
      })
    )

    it.effect("a report is created once for each period, on the morning after it", () =>
      Effect.gen(function* () {
        const mails = yield* Mails
        for (const period of ["weekly", "monthly"] as const) {
          const site = yield* newSite
          const notification = Option.getOrThrow(
            yield* Notifications.use((notifications) =>
              notifications.add(site, { to: "ada@example.com", report: period })
            )
          )
          const due = MailTimes.nextDue(period, { now: yield* Clock.currentTimeMillis, timeZone: "UTC" })
          yield* mails.make(due - 1)
          assert.deepStrictEqual(yield* leaseFor(notification), [])
          yield* Effect.all([mails.make(due), mails.make(due), mails.make(due + 1)], { concurrency: "unbounded" })
          yield* makeAll(due + 2)
          const range = MailTimes.latest(period, { now: due, timeZone: "UTC" })
          assert.deepStrictEqual(
            (yield* leaseFor(notification)).map(({ subject }) => subject),
            [{ kind: "report", range }]
          )
          const next = MailTimes.nextDue(period, { now: due, timeZone: "UTC" })
          yield* makeAll(next)
          assert.deepStrictEqual(
            (yield* leaseFor(notification)).map(({ subject }) => subject),
            [{ kind: "report", range: MailTimes.latest(period, { now: next, timeZone: "UTC" }) }]
          )
        }
      })
    )

    it.effect("a report that is due is created even if its recipient is added again meanwhile", () =>
      Effect.gen(function* () {
        const websiteConfigId = yield* newSite
        const addWeekly = Notifications.use((notifications) =>
          notifications.add(websiteConfigId, { to: "ada@example.com", report: "weekly" })
        ).pipe(Effect.map(Option.getOrThrow))
        const notification = yield* addWeekly
        const now = yield* Clock.currentTimeMillis
        const due = MailTimes.nextDue("weekly", { now, timeZone: "UTC" })
        yield* later(due + 1 - now)(addWeekly)
        yield* makeAll(due + day)
        const range = MailTimes.latest("weekly", { now: due, timeZone: "UTC" })
        assert.deepStrictEqual(
          (yield* leaseFor(notification)).map(({ subject }) => subject),
          [{ kind: "report", range }]
        )
      })
    )

    it.effect("each recipient of a website gets one mail about a disabled webhook", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const ada = yield* add(site)
        yield* Notifications.use((all) => all.add(site, { to: ada.to, report: "weekly" }))
        const bob = yield* add(site, {}, "bob@example.com")
        const { webhook } = yield* newWebhook(site, "https://hooks.example:8443/secret?key=1")
        yield* submit(site)
        yield* submit(site)
        yield* fanOutAll
        yield* disableByFailures(webhook)
        const notices = (yield* Mails.use((mails) => mails.lease(1_000))).filter(
          (mail) => mail.site.websiteConfigId === site && mail.subject.kind === "webhook-disabled"
        )
        assert.sameMembers(
          notices.map(({ notification }) => notification.to),
          [ada.to, bob.to]
        )
        const disabled = { webhookId: webhook.webhookId, host: "hooks.example:8443", isGone: false }
        for (const { subject } of notices) {
          assert.deepStrictEqual(subject, { kind: "webhook-disabled", webhook: disabled })
        }
      })
    )

    it.effect("an address that is not confirmed gets one confirmation mail a day, and no other mails", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const site = yield* newSite
        const addByOwner = (options: Omit<NewNotification, "to">) =>
          Effect.map(notifications.addByOwner(site, { to: "ada@example.com", ...options }), (added) =>
            added._tag === "Added" ? added.notification : assert.fail(added._tag)
          )
        const leased = Effect.map(
          Mails.use((mails) => mails.lease(1_000)),
          (mails) => mails.filter((mail) => mail.site.websiteConfigId === site)
        )
        const first = yield* addByOwner({})
        yield* addByOwner({ report: "weekly" })
        const confirmations = yield* leased
        assert.deepStrictEqual(
          confirmations.map(({ notification, subject }) => [notification.confirmed, subject]),
          [[false, { kind: "confirmation" }]]
        )
        for (const mail of confirmations) yield* record(mail, { status: "sent" })
        yield* submit(site)
        yield* makeAll((yield* Clock.currentTimeMillis) + 40 * day)
        assert.deepStrictEqual(yield* leased, [])
        yield* notifications.remove(site, first.notification_id)
        const again = yield* addByOwner({})
        assert.deepStrictEqual(yield* leased, [])
        yield* notifications.confirm(site, () => true)
        const id = yield* submit(site)
        yield* makeAll()
        assert.deepStrictEqual((yield* leaseFor(again)).map(idsOf), [[id]])
      })
    )

    it.effect("an address that is not confirmed gets no mail about a disabled webhook", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        yield* Notifications.use((all) => all.addByOwner(site, { to: "ada@example.com", report: "weekly" }))
        const { webhook } = yield* newWebhook(site, "https://hooks.example/")
        yield* submit(site)
        yield* fanOutAll
        yield* disableByFailures(webhook)
        const mails = (yield* Mails.use((all) => all.lease(1_000))).filter((mail) => mail.site.websiteConfigId === site)
        assert.deepStrictEqual(
          mails.map(({ subject }) => subject.kind),
          ["confirmation"]
        )
      })
    )

    it.effect("no mails are sent for a removed notification or for a deleted website", () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const [removed, active] = [yield* add(site), yield* add(site, {}, "bob@example.com")]
        const erased = yield* add(other)
        yield* submit(site)
        yield* submit(other)
        yield* makeAll()
        yield* Notifications.use((notifications) => notifications.remove(site, removed.notification_id))
        yield* SiteErasure.use((erasure) => erasure.erase(other))
        const notifications = (yield* Mails.use((mails) => mails.lease(1_000))).map(({ notification }) => notification)
        for (const { notification_id } of [removed, erased]) {
          assert.isFalse(notifications.some((one) => one.notification_id === notification_id))
        }
        assert.isTrue(notifications.some((one) => one.notification_id === active.notification_id))
      })
    )
  })
