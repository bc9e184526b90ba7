/**
 * The tests of `Mails` about digests.
 *
 * @module
 */
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Effect } from "effect"
import * as MailTimes from "../../src/delivery/mail/MailTimes.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import { hourMillis } from "../../src/platform/text/Calendar.ts"
import { newSite, type Storage } from "../support/Delivery.ts"
import { add, countOf, day, idsOf, latest, leaseFor, makeAll, submit, submitMany } from "../support/Mails.ts"

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect("more than ten submissions cause one mail, which shows the first 25 and counts all", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const notification = yield* add(site)
      const ids = yield* submitMany(site, 40)
      yield* makeAll()
      const [mail, ...others] = yield* leaseFor(notification)
      assert.lengthOf(others, 0)
      if (mail === undefined) return assert.fail("there is no mail")
      assert.deepStrictEqual([countOf(mail), idsOf(mail)], [40, ids.slice(0, 25)])
    })
  )

  it.effect("ten submissions cause ten mails, and later ones wait for a digest", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const notification = yield* add(site)
      const ids = yield* submitMany(site, 10)
      const now = yield* Clock.currentTimeMillis
      yield* makeAll(now)
      const mails = yield* leaseFor(notification)
      assert.deepStrictEqual(new Set(mails.flatMap(idsOf)), new Set(ids))
      assert.lengthOf(mails, 10)
      const later = [yield* submit(site), yield* submit(site)]
      yield* makeAll(now + MailTimes.quarterMillis - 1)
      assert.deepStrictEqual(yield* leaseFor(notification), [])
      yield* makeAll(now + MailTimes.quarterMillis)
      const digests = yield* leaseFor(notification)
      assert.deepStrictEqual(digests.map(countOf), [2])
      assert.deepStrictEqual(new Set(digests.flatMap(idsOf)), new Set(later))
    })
  )

  it.effect(
    "removing an address and adding it in another letter case does not reset the count of its mails of the hour",
    () =>
      Effect.gen(function* () {
        const [site, other] = [yield* newSite, yield* newSite]
        const first = yield* add(site)
        yield* submitMany(site, 10)
        const now = yield* Clock.currentTimeMillis
        yield* makeAll(now)
        assert.lengthOf(yield* leaseFor(first), 10)
        yield* Notifications.use((notifications) => notifications.remove(site, first.notification_id))
        const [again, elsewhere] = [yield* add(site, {}, "Ada@example.com"), yield* add(other)]
        yield* submitMany(site, 10)
        yield* submitMany(other, 10)
        yield* makeAll(now)
        assert.deepStrictEqual(yield* leaseFor(again), [])
        yield* makeAll(now + MailTimes.quarterMillis)
        assert.deepStrictEqual((yield* leaseFor(again)).map(countOf), [10])
        assert.strictEqual((yield* latest(elsewhere))?.status, "pending")
        yield* submitMany(site, 10)
        yield* makeAll(now + MailTimes.quarterMillis + hourMillis)
        assert.lengthOf(yield* leaseFor(again), 10)
      })
  )

  it.effect("a daily digest on the next morning contains all waiting submissions", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const notification = yield* add(site, { digest: "daily" })
      const ids = yield* submitMany(site, 3)
      // When they arrived: the morning may have begun since.
      yield* makeAll((yield* Clock.currentTimeMillis) - 10_000)
      assert.deepStrictEqual(yield* leaseFor(notification), [])
      yield* makeAll((yield* Clock.currentTimeMillis) + day)
      assert.deepStrictEqual((yield* leaseFor(notification)).map(idsOf), [ids])
    })
  )
}
