/**
 * The tests that every layer of `Notifications` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option } from "effect"
import * as MailRecipient from "../../src/delivery/mail/MailRecipient.ts"
import { type AddedByOwner, type NewNotification, Notifications } from "../../src/delivery/mail/Notification.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { NotificationId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { dayMillis } from "../../src/platform/text/Calendar.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { newLink, openLink } from "../support/ConsoleSessions.ts"
import { deliveriesOf, fanOutAll, newSite, newWebhook, type Storage } from "../support/Delivery.ts"
import { later } from "../support/Mails.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"
import { poll } from "../support/Wait.ts"

type Options = Omit<NewNotification, "to">

const weekly: Options = { report: "weekly" }
const monthly: Options = { report: "monthly" }

const add = (websiteConfigId: WebsiteConfigId, to: string, options: Options = {}) =>
  Notifications.use((notifications) => notifications.add(websiteConfigId, { to, ...options })).pipe(
    Effect.map(Option.getOrThrow)
  )

const addByOwner = (websiteConfigId: WebsiteConfigId, to: string, options: Options = {}) =>
  Notifications.use((notifications) => notifications.addByOwner(websiteConfigId, { to, ...options }))

const notificationOf = (added: AddedByOwner) =>
  added._tag === "Added" ? added.notification : assert.fail(`not added: ${added._tag}`)

const listed = (websiteConfigId: WebsiteConfigId) =>
  Notifications.use((notifications) => notifications.list(websiteConfigId)).pipe(
    Effect.map((all) => all.map(({ latest_mail: _, ...notification }) => notification))
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
        const ofOther = yield* add(other, "eve@example.com", { digest: "daily", quarantined: true })
        assert.deepStrictEqual(yield* listed(site), [first, second])
        assert.isTrue(yield* notifications.isUsed)
        assert.deepStrictEqual(yield* listed(other), [ofOther])
        assert.deepStrictEqual(yield* notifications.find(other, ofOther.notification_id), Option.some(ofOther))
        assert.isTrue(Option.isNone(yield* notifications.find(site, ofOther.notification_id)))
        assert.isFalse(yield* notifications.remove(site, ofOther.notification_id))
        assert.deepStrictEqual(yield* listed(other), [ofOther])
        assert.isTrue(yield* notifications.remove(site, first.notification_id))
        assert.isFalse(yield* notifications.remove(site, first.notification_id))
        assert.isTrue(Option.isNone(yield* notifications.find(site, first.notification_id)))
        assert.deepStrictEqual(yield* listed(site), [second])
        assert.deepStrictEqual(yield* notifications.list(site), [{ ...second, latest_mail: null }])
      })
    )

    it.effect("adding a recipient again updates the options of one notification", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const first = yield* add(site, "ada@example.com")
        const changed = { digest: "15m", quarantined: true } as const
        assert.deepStrictEqual(yield* add(site, "ada@example.com", changed), { ...first, ...changed })
        yield* add(site, "ada@example.com", weekly)
        yield* add(site, "ada@example.com", monthly)
        assert.deepStrictEqual(
          new Set<string | null>((yield* listed(site)).map(({ digest, report }) => report ?? digest)),
          new Set(["15m", "weekly", "monthly"])
        )
      })
    )

    it.effect("no notification is added to an unknown or deleted website", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const site = yield* newSite
        const { notification_id } = yield* add(site, "ada@example.com")
        yield* SiteErasure.use((erasure) => erasure.erase(site))
        assert.isTrue(Option.isNone(yield* notifications.find(site, notification_id)))
        for (const unknown of [site, WebsiteConfigId.make(randomUUID())]) {
          assert.isTrue(Option.isNone(yield* notifications.add(unknown, { to: "ada@example.com" })))
          assert.deepStrictEqual(yield* notifications.list(unknown), [])
        }
        const unknown = NotificationId.make(randomUUID())
        assert.isFalse(yield* notifications.remove(site, unknown))
        assert.isTrue(Option.isNone(yield* notifications.find(site, unknown)))
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
        const confirmed = (websiteConfigId: WebsiteConfigId) =>
          Effect.map(listed(websiteConfigId), (all) => all.filter((one) => one.confirmed).map((one) => one.to))
        assert.deepStrictEqual(yield* confirmed(site), [])
        const isAda = (address: string) => address.toLowerCase() === "ada@example.com"
        for (const _ of [1, 2]) {
          assert.isTrue(yield* notifications.confirm(site, isAda))
          assert.sameMembers(yield* confirmed(site), ["ada@example.com", "Ada@example.com"])
        }
        assert.deepStrictEqual(yield* confirmed(other), [])
        assert.isFalse(yield* notifications.confirm(site, () => false))
        assert.isFalse(yield* notifications.confirm(WebsiteConfigId.make(randomUUID()), isAda))
        assert.isTrue(notificationOf(yield* addByOwner(site, "ada@example.com", monthly)).confirmed)
        assert.isFalse(notificationOf(yield* addByOwner(site, "bob@example.com", monthly)).confirmed)
        assert.isTrue((yield* add(site, "bob@example.com", weekly)).confirmed)
        assert.lengthOf(yield* confirmed(site), 6)
      })
    )

    it.effect(
      "an address that a person of the website has confirmed by log-in gets its mails without a confirmation",
      () =>
        Effect.gen(function* () {
          const notifications = yield* Notifications
          const [site, other] = [yield* newSite, yield* newSite]
          const email = `${randomUUID()}@example.org`
          const before = yield* addByOwner(site, email).pipe(Effect.map(notificationOf))
          yield* addByOwner(other, email)
          assert.isFalse(before.confirmed)
          yield* Effect.flatMap(newLink([site], "viewer", { email }), ({ link }) => openLink(link))
          assert.deepStrictEqual(yield* listed(site), [{ ...before, confirmed: true }])
          assert.isFalse((yield* listed(other))[0]?.confirmed)
          const after = yield* addByOwner(site, email.toUpperCase(), weekly).pipe(Effect.map(notificationOf))
          assert.isTrue(after.confirmed)
          // An address that unsubscribed is refused nevertheless.
          yield* notifications.unsubscribe(before.notification_id)
          assert.deepStrictEqual(yield* addByOwner(site, email), { _tag: "Unsubscribed" })
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
          yield* notifications.unsubscribe(first.notification_id)
          yield* notifications.unsubscribe(first.notification_id)
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
          const { notification_id } = notificationOf(yield* addByOwner(site, "ada@example.com"))
          yield* notifications.unsubscribe(notification_id)
        }
        const results = Effect.forEach(sites, (site) =>
          Effect.map(addByOwner(site, "ada@example.com"), ({ _tag }) => _tag)
        )
        yield* notifications.eraseRecipient("eve@example.com", null)
        yield* notifications.eraseRecipient("Ada@example.com", sites[0] ?? null)
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
          const { notification_id } = notificationOf(yield* addByOwner(site, `${count}@example.com`))
          yield* notifications.remove(site, notification_id)
        }
        const refused = yield* addByOwner(site, "ada@example.com")
        if (refused._tag !== "TooSoon") return assert.fail(refused._tag)
        assert.isAbove(refused.waitMillis, dayMillis - 60_000)
        assert.isAtMost(refused.waitMillis, dayMillis)
        assert.strictEqual((yield* addByOwner(site, "0@example.com"))._tag, "Added")
        assert.strictEqual((yield* addByOwner(other, "ada@example.com"))._tag, "Added")
        yield* add(site, "ada@example.com")
        assert.strictEqual((yield* addByOwner(site, "ada@example.com", weekly))._tag, "Added")
        assert.strictEqual((yield* addByOwner(WebsiteConfigId.make(randomUUID()), "ada@example.com"))._tag, "NoWebsite")
      })
    )

    it.effect("an address that has not confirmed is invited as rarely as it is asked for its confirmation", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* newSite, yield* newSite]
        const invite = (sites: ReadonlyArray<WebsiteConfigId>, address = "ada@example.com") =>
          Effect.map(notifications.countInvitation(sites, address), (decision) =>
            decision._tag === "TooSoon" ? decision.limit : decision._tag
          )
        assert.strictEqual(yield* invite([site]), "Accepted")
        assert.strictEqual(yield* invite([site, other], " Ada@Example.com"), "interval")
        assert.strictEqual(yield* invite([other]), "Accepted")
        // The confirmation mail is due ten minutes after the invitation.
        assert.deepInclude(yield* addByOwner(site, "ada@example.com"), { _tag: "TooSoon", limit: "interval" })
        const { repeatMillis } = MailRecipient
        const added = notificationOf(yield* later(repeatMillis)(addByOwner(site, "ada@example.com")))
        assert.strictEqual(yield* later(repeatMillis)(invite([site])), "interval")
        assert.strictEqual(yield* later(2 * repeatMillis)(invite([site])), "Accepted")
        assert.strictEqual(yield* later(3 * repeatMillis)(invite([site])), "address")
        assert.deepInclude(
          yield* later(3 * repeatMillis)(notifications.resendConfirmation(site, added.notification_id)),
          {
            limit: "address"
          }
        )
        // Mails to all addresses count against the website's limit.
        for (let count = 3; count < MailRecipient.maxMails; count++) {
          assert.strictEqual(yield* invite([site], `${count}@example.com`), "Accepted")
        }
        assert.strictEqual(yield* invite([site, other], "eve@example.com"), "website")
        assert.deepInclude(yield* addByOwner(site, "eve@example.com"), { _tag: "TooSoon", limit: "website" })
        assert.strictEqual(yield* later(dayMillis + 3 * repeatMillis)(invite([site], "eve@example.com")), "Accepted")
        // An address that confirmed is not limited.
        yield* notifications.confirm(site, (address) => address === "ada@example.com")
        assert.strictEqual(yield* invite([site]), "Accepted")
      })
    )

    it.effect("an address that refuses invitations is not invited or added again by an owner, until it is erased", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* newSite, yield* newSite]
        const confirmed = yield* add(site, "ada@example.com")
        yield* notifications.refuseInvitations([site], "Ada@example.com")
        assert.deepStrictEqual(yield* listed(site), [confirmed])
        const tagOf = (sites: ReadonlyArray<WebsiteConfigId> | "all") =>
          Effect.map(notifications.countInvitation(sites, "ada@example.com"), ({ _tag }) => _tag)
        for (const sites of [[site], [other, site], "all"] as const) {
          assert.strictEqual(yield* tagOf(sites), "Unsubscribed")
        }
        assert.strictEqual((yield* addByOwner(site, "ada@example.com", weekly))._tag, "Unsubscribed")
        assert.strictEqual(yield* tagOf([other]), "Accepted")
        yield* notifications.eraseRecipient("ada@example.com", null)
        assert.strictEqual(yield* tagOf("all"), "Accepted")
        assert.strictEqual(yield* tagOf([other]), "TooSoon")
        yield* notifications.refuseInvitations("all", "ada@example.com")
        assert.strictEqual(yield* tagOf([other]), "Unsubscribed")
      })
    )

    it.effect("a webhook still gets events after the website's last notification was removed", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const site = yield* newSite
        const { notification_id } = yield* add(site, "ada@example.com")
        const { webhook } = yield* newWebhook(site, "https://hooks.example/")
        yield* notifications.remove(site, notification_id)
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(site)))
        yield* fanOutAll
        assert.lengthOf(yield* deliveriesOf(webhook), 1)
      })
    )
  })
