import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Option } from "effect"
import { FormDirectory } from "../../../src/forms/FormRules.ts"
import { Inbox, markKeptMillis } from "../../../src/forms/Inbox.ts"
import * as FormDirectories from "../../../src/forms/postgres/FormDirectory.ts"
import * as Inboxes from "../../../src/forms/postgres/Inbox.ts"
import { isMarked } from "../../../src/forms/SpamScore.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as KeptRows from "../../../src/privacy/postgres/KeptRows.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import * as Delivery from "../../support/Delivery.ts"
import * as Mails from "../../support/Mails.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { draft } from "../../support/TestSubmissions.ts"

const live = Layer.mergeAll(Inboxes.layer, FormDirectories.layer()).pipe(
  Layer.provideMerge(Delivery.postgresOn()),
  Layer.provideMerge(TestClient.layer)
)

const text = "We bring your website to the first page"

layer(live, { excludeTestServices: true })("forms/postgres/SpamMarks", (it) => {
  const isHeld = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, email: string | null, message: string) {
    // The lookup is cached for less than a second.
    yield* Effect.sleep("1 second")
    const found = Option.getOrThrow(yield* FormDirectory.use(({ bySite }) => bySite(websiteConfigId)))
    return isMarked(found.marks, websiteConfigId, { email, formData: JSON.stringify({ message }) })
  })

  it.effect("a mark quarantines a submission and holds its address and its text, until it is released", () =>
    Effect.gen(function* () {
      const [inbox, repo] = [yield* Inbox, yield* SubmissionRepo]
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const { webhook } = yield* Delivery.newWebhook(site, "https://hooks.example/")
      const content = { email: "Sales@Spam.example", formData: JSON.stringify({ message: text }) }
      const id = yield* repo.submit(draft({ ...content, websiteConfigId: site }))
      const foreign = yield* repo.submit(draft({ ...content, websiteConfigId: other }))
      yield* Delivery.fanOutAll
      for (let count = 0; count < 2; count++) {
        assert.deepStrictEqual([...(yield* inbox.markSpam(site, [id, foreign]))], [id])
        assert.deepInclude(Option.getOrThrow(yield* inbox.find(site, id)), {
          status: "quarantined",
          reasons: ["marked"]
        })
      }
      yield* Delivery.fanOutAll
      assert.sameMembers(
        (yield* Delivery.deliveriesOf(webhook)).map(({ type }) => type),
        ["submission.accepted", "submission.quarantined"]
      )
      const listed = yield* inbox.spamMarks(site)
      assert.deepStrictEqual(
        listed.map(({ email, text }) => [email, text]),
        [["sales@spam.example", text]]
      )
      assert.isTrue(yield* isHeld(site, "sales@spam.example", "Hello"))
      assert.isTrue(yield* isHeld(site, null, text))
      assert.isFalse(yield* isHeld(other, "sales@spam.example", text))
      assert.strictEqual(Option.getOrThrow(yield* inbox.find(other, foreign)).status, "accepted")
      assert.deepStrictEqual([...(yield* inbox.release(site, [id]))], [id])
      assert.deepInclude(Option.getOrThrow(yield* inbox.find(site, id)), { status: "accepted", reasons: [] })
      assert.deepStrictEqual(yield* inbox.spamMarks(site), [])
      assert.isFalse(yield* isHeld(site, "sales@spam.example", text))
    })
  )

  it.effect("a mark of this website only is taken back, and ends after a year", () =>
    Effect.gen(function* () {
      const [inbox, repo, _sql] = [yield* Inbox, yield* SubmissionRepo, yield* PgClient.PgClient]
      const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
      const submit = (email: string) => repo.submit(draft({ websiteConfigId: site, email }))
      yield* inbox.markSpam(site, [yield* submit("a@example.com"), yield* submit("b@example.com")])
      const [first] = yield* inbox.spamMarks(site)
      assert.isFalse(yield* inbox.removeSpamMark(other, first!.mark_id))
      assert.isTrue(yield* inbox.removeSpamMark(site, first!.mark_id))
      assert.isFalse(yield* inbox.removeSpamMark(site, first!.mark_id))
      const now = yield* Clock.currentTimeMillis
      const expire = (time: number) => KeptRows.expire("spam_mark", time)
      yield* expire(now + markKeptMillis - 60_000)
      assert.lengthOf(yield* inbox.spamMarks(site), 1)
      yield* expire(now + markKeptMillis + 60_000)
      assert.deepStrictEqual(yield* inbox.spamMarks(site), [])
    })
  )

  it.effect("a website has at most so many marks, and one more changes nothing", () =>
    Effect.gen(function* () {
      const [inbox, repo, sql] = [yield* Inbox, yield* SubmissionRepo, yield* PgClient.PgClient]
      const site = yield* Delivery.newSite
      yield* sql`INSERT INTO spam_mark (mark_id, website_config_id, email, created_at)
        SELECT gen_random_uuid(), ${site}::uuid, n || '@example.com', now()
        FROM generate_series(1, ${Maximums.spamMarks.max}::int) AS n`
      const id = yield* repo.submit(draft({ websiteConfigId: site, email: "new@example.com" }))
      const error = yield* Effect.flip(inbox.markSpam(site, [id]))
      assert.strictEqual(error._tag, "LimitReached")
      assert.strictEqual(Option.getOrThrow(yield* inbox.find(site, id)).status, "accepted")
    })
  )

  it.effect("a release that cannot take back the marks releases nothing", () =>
    Effect.gen(function* () {
      const [inbox, repo, sql] = [yield* Inbox, yield* SubmissionRepo, yield* PgClient.PgClient]
      const site = yield* Delivery.newSite
      const id = yield* repo.submit(draft({ websiteConfigId: site, email: "a@example.com" }))
      yield* inbox.markSpam(site, [id])
      yield* sql`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''refused''; END'`
      yield* sql`CREATE TRIGGER refuse BEFORE DELETE ON spam_mark FOR EACH STATEMENT EXECUTE FUNCTION refuse()`
      assert.strictEqual((yield* Effect.flip(inbox.release(site, [id])))._tag, "StorageUnavailable")
      assert.strictEqual(Option.getOrThrow(yield* inbox.find(site, id)).status, "quarantined")
      yield* sql`DROP TRIGGER refuse ON spam_mark`
      assert.deepStrictEqual([...(yield* inbox.release(site, [id]))], [id])
      assert.deepStrictEqual(yield* inbox.spamMarks(site), [])
    })
  )

  it.effect(
    "the release of a marked submission is no second lead for a webhook that does not follow the quarantine",
    () =>
      Effect.gen(function* () {
        const [inbox, repo] = [yield* Inbox, yield* SubmissionRepo]
        const site = yield* Delivery.newSite
        const url = "https://hooks.example/"
        const { webhook: leads } = yield* Delivery.newWebhook(site, url, ["submission.accepted", "submission.released"])
        const { webhook: all } = yield* Delivery.newWebhook(site, url)
        const typesOf = (webhook: Parameters<typeof Delivery.deliveriesOf>[0]) =>
          Effect.map(Delivery.deliveriesOf(webhook), (items) => items.map(({ type }) => type))
        const id = yield* repo.submit(draft({ websiteConfigId: site, email: "ann@example.com" }))
        yield* Delivery.fanOutAll
        yield* inbox.markSpam(site, [id])
        yield* Delivery.fanOutAll
        yield* inbox.release(site, [id])
        yield* Delivery.fanOutAll
        assert.deepStrictEqual(yield* typesOf(leads), ["submission.accepted"])
        assert.sameMembers(yield* typesOf(all), [
          "submission.accepted",
          "submission.quarantined",
          "submission.released"
        ])
      })
  )

  it.effect("a webhook that never received a submission as accepted gets its release after the mark is undone", () =>
    Effect.gen(function* () {
      const [inbox, repo] = [yield* Inbox, yield* SubmissionRepo]
      const site = yield* Delivery.newSite
      const types = ["submission.accepted", "submission.released"] as const
      const { webhook } = yield* Delivery.newWebhook(site, "https://hooks.example/", types)
      const id = yield* repo.submit(draft({ websiteConfigId: site, email: "ann@example.com" }))
      yield* Delivery.fanOutAll
      for (const leased of yield* Delivery.leaseOf(webhook)) {
        yield* Delivery.settle(leased, { status: 500, next: { status: "failed" }, affectsHealth: false })
      }
      yield* inbox.markSpam(site, [id])
      yield* inbox.release(site, [id])
      yield* Delivery.fanOutAll
      assert.sameMembers(
        (yield* Delivery.deliveriesOf(webhook)).map(({ status, type }) => `${type} ${status}`),
        ["submission.accepted failed", "submission.released pending"]
      )
    })
  )

  it.effect("what was mailed before it was marked is not mailed again when it is released; what was not sent is", () =>
    Effect.gen(function* () {
      const [inbox, sql] = [yield* Inbox, yield* PgClient.PgClient]
      const site = yield* Delivery.newSite
      yield* Mails.add(site)
      const mailed = Mails.sendOfSite(site)
      const sent = yield* Mails.submit(site)
      assert.deepStrictEqual(yield* mailed, [sent])
      // As after thirty days.
      yield* sql`DELETE FROM mail_item WHERE submission_id = ${sent}`
      yield* Mails.add(site, {}, "later@example.com")
      yield* inbox.markSpam(site, [sent])
      yield* inbox.markSpam(site, [sent])
      yield* inbox.release(site, [sent])
      assert.deepStrictEqual(yield* mailed, [])

      const unsent = yield* Mails.submit(site)
      yield* Mails.makeAll()
      yield* inbox.markSpam(site, [unsent])
      assert.deepStrictEqual(yield* mailed, [])
      yield* inbox.release(site, [unsent])
      assert.deepStrictEqual(yield* mailed, [unsent, unsent])

      // While the mails are being sent.
      const sending = yield* Mails.submit(site)
      const mails = yield* Mails.leaseOfSite(site)
      yield* inbox.markSpam(site, [sending])
      yield* Effect.forEach(mails, (mail) => Mails.record(mail, { status: "sent" }))
      yield* inbox.release(site, [sending])
      assert.deepStrictEqual(yield* mailed, [])

      // While they wait for the next attempt, which leaves it out.
      const refused = yield* Mails.submit(site)
      const next = { status: "pending", nextAttemptAt: yield* Clock.currentTimeMillis } as const
      yield* Effect.forEach(yield* Mails.leaseOfSite(site), (mail) => Mails.record(mail, next, "down"))
      yield* inbox.markSpam(site, [refused])
      assert.deepStrictEqual(yield* mailed, [])
      yield* inbox.release(site, [refused])
      assert.deepStrictEqual(yield* mailed, [refused, refused])

      // Before the fan-out of its release.
      const held = yield* Mails.submit(site, { status: "quarantined" })
      yield* inbox.release(site, [held])
      yield* inbox.markSpam(site, [held])
      yield* inbox.release(site, [held])
      assert.deepStrictEqual(yield* mailed, [held, held])
    })
  )
})
