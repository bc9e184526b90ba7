/**
 * The tests of `Mails` about confirmation mails that are sent again.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Mails } from "../../src/delivery/mail/Mail.ts"
import { maxMails, repeatMillis } from "../../src/delivery/mail/MailRecipient.ts"
import { type NewNotification, Notifications, type StoredNotification } from "../../src/delivery/mail/Notification.ts"
import { NotificationId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import { dayMillis } from "../../src/platform/text/Calendar.ts"
import { newSite, type Storage } from "../support/Delivery.ts"
import { add, later, latest, record } from "../support/Mails.ts"

const weekly = { report: "weekly" } as const

const addByOwner = (
  websiteConfigId: WebsiteConfigId,
  to = "ada@example.com",
  options: Omit<NewNotification, "to"> = {}
) =>
  Notifications.use((notifications) => notifications.addByOwner(websiteConfigId, { to, ...options })).pipe(
    Effect.flatMap((added) =>
      added._tag === "Added" ? Effect.succeed(added.notification) : Effect.die(new Error(`not added: ${added._tag}`))
    )
  )

const resend = ({
  notification_id,
  website_config_id
}: Pick<StoredNotification, "notification_id" | "website_config_id">) =>
  Notifications.use((notifications) => notifications.resendConfirmation(website_config_id, notification_id))

/** Leases the mails of a website. */
const lease = (site: string) =>
  Mails.use((mails) => mails.lease(1_000)).pipe(
    Effect.map((leased) => leased.filter((mail) => mail.site.websiteConfigId === site))
  )

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect(
    "a confirmation mail is sent again at most twice a day, ten minutes apart, even if the address is removed and added",
    () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const added = yield* addByOwner(site)
        const [first] = yield* lease(site)
        if (first === undefined) return assert.fail("there is no mail")
        yield* record(first, { status: "sent" })
        const refused = yield* resend(added)
        if (refused._tag !== "TooSoon") return assert.fail(refused._tag)
        assert.strictEqual(refused.limit, "interval")
        assert.isAtMost(refused.waitMillis, repeatMillis)
        assert.deepStrictEqual(yield* lease(site), [])
        for (const count of [1, 2]) {
          assert.deepStrictEqual(yield* later(count * repeatMillis)(resend(added)), {
            _tag: "Resent",
            notification: added
          })
          const [mail, ...others] = yield* lease(site)
          if (mail === undefined) return assert.fail("there is no mail")
          assert.deepStrictEqual([mail.subject, mail.attempt, others], [{ kind: "confirmation" }, 1, []])
          assert.notStrictEqual(mail.mailId, first.mailId)
          yield* record(mail, { status: "sent" })
        }
        yield* Notifications.use(({ remove }) => remove(site, added.notification_id))
        const again = yield* later(2 * repeatMillis)(addByOwner(site))
        assert.deepStrictEqual(yield* lease(site), [])
        assert.deepInclude(yield* later(4 * repeatMillis)(resend(again)), { _tag: "TooSoon", limit: "address" })
        assert.strictEqual((yield* later(dayMillis)(resend(again)))._tag, "Resent")
        assert.lengthOf(yield* lease(site), 1)
      })
  )

  it.effect("a confirmation mail that is sent again replaces the pending ones, and a confirmed address gets none", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const [first, second] = [yield* addByOwner(site), yield* addByOwner(site, "Ada@example.com", weekly)]
      assert.strictEqual((yield* latest(first))?.status, "pending")
      assert.strictEqual((yield* later(repeatMillis)(resend(second)))._tag, "Resent")
      assert.strictEqual((yield* latest(first))?.status, "cancelled")
      assert.deepStrictEqual(
        (yield* lease(site)).map(({ notification }) => notification),
        [second]
      )
      yield* Notifications.use(({ confirm }) => confirm(site, () => true))
      for (const one of [first, second]) {
        assert.deepStrictEqual(yield* later(2 * repeatMillis)(resend(one)), { _tag: "Confirmed" })
      }
    })
  )

  it.effect("of two concurrent requests to send a confirmation mail again, only one sends a mail", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const added = yield* addByOwner(site)
      const resent = yield* Effect.all([resend(added), resend(added)].map(later(repeatMillis)), { concurrency: 2 })
      assert.sameMembers(
        resent.map(({ _tag }) => _tag),
        ["Resent", "TooSoon"]
      )
      assert.lengthOf(yield* lease(site), 1)
    })
  )

  it.effect("repeated confirmation mails count towards the website's limit, like those to new addresses", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      const ada = yield* addByOwner(site)
      for (const count of [1, 2]) yield* later(count * repeatMillis)(resend(ada))
      const others = []
      for (let count = 3; count < maxMails; count++) others.push(yield* addByOwner(site, `${count}@example.com`))
      const refused = yield* Notifications.use((all) =>
        later(2 * repeatMillis)(all.addByOwner(site, { to: "eve@example.com" }))
      )
      if (refused._tag !== "TooSoon") return assert.fail(refused._tag)
      assert.isAtMost(refused.waitMillis, dayMillis - 2 * repeatMillis)
      for (const one of others.slice(0, 2)) {
        assert.deepInclude(yield* later(2 * repeatMillis)(resend(one)), { _tag: "TooSoon", limit: "website" })
      }
      assert.strictEqual((yield* later(dayMillis)(resend(ada)))._tag, "Resent")
      yield* later(repeatMillis)(resend(yield* addByOwner(other)))
      assert.lengthOf(yield* lease(other), 1)
    })
  )

  it.effect("an address that unsubscribed, one that the operator added, and an unknown notification get no mail", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const [first, second] = [yield* addByOwner(site), yield* addByOwner(site, "ada@example.com", weekly)]
      yield* Notifications.use(({ unsubscribe }) => unsubscribe(first.notification_id))
      yield* lease(site)
      assert.deepStrictEqual(yield* later(dayMillis)(resend(second)), { _tag: "Unsubscribed" })
      assert.deepStrictEqual(yield* resend(yield* add(site, {}, "bob@example.com")), { _tag: "Confirmed" })
      const other = yield* newSite
      for (const unknown of [
        first,
        { ...first, notification_id: NotificationId.make(randomUUID()) },
        { ...second, website_config_id: other }
      ]) {
        assert.deepStrictEqual(yield* resend(unknown), { _tag: "NoNotification" })
      }
      assert.deepStrictEqual(yield* lease(site), [])
    })
  )
}
