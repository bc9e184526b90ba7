/**
 * The notifications of a website over HTTP.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import type { Outcome } from "../../../src/delivery/mail/Mail.ts"
import type { Mailer } from "../../../src/delivery/mail/Mailer.ts"
import { maxMails } from "../../../src/delivery/mail/MailRecipient.ts"
import type { Message } from "../../../src/delivery/mail/Message.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { testLimit } from "../../../src/delivery/mail/OwnerNotificationsHttp.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import { fanOutAll } from "../../support/Delivery.ts"
import { locationsOf, opened } from "../../support/OwnerSession.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"
import { onPostgres as testServer } from "../../support/TestServer.ts"

const outcomes: Array<Outcome> = []
const sent: Array<Message> = []

const mailer: Mailer = {
  check: Effect.die("The mail server is not checked here."),
  send: (message) =>
    Effect.sync(() => {
      sent.push(message)
      return outcomes.shift() ?? { _tag: "Accepted" }
    })
}

const mail = Option.some({
  mailer,
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: null,
    secretsKey: Redacted.make<Uint8Array>(new Uint8Array(32))
  }
})

/** A website, requests of a session that may change it, and a function that adds a notification. */
const withNotifications = Effect.map(opened, ({ request, site }) => ({
  request,
  site,
  add: (body: unknown) => request("POST", "/notifications", body)
}))

const server = testServer({}, undefined, undefined, mail)
layer(server, { excludeTestServices: true })("notifications", (it) => {
  it.effect("adds and lists notifications, which are not confirmed at first", () =>
    Effect.gen(function* () {
      const { add, request } = yield* withNotifications
      const added = JSON.parse((yield* add({ to: " owner@example.com ", digest: "15m", quarantined: true })).text)
      const { created_at: _, notification_id: __, ...facts } = added
      assert.deepStrictEqual(facts, {
        ...{ to: "owner@example.com", report: null, page: null, digest: "15m", quarantined: true, problems: false },
        conversations: "unanswered",
        confirmed: false
      })
      yield* add({ to: "owner@example.com", report: "weekly" })
      const { can_send, notifications } = JSON.parse((yield* request("GET", "/notifications")).text)
      assert.isTrue(can_send)
      const [{ latest_mail, ...first }, second] = notifications
      assert.deepStrictEqual([first, latest_mail.status], [added, "pending"])
      assert.deepInclude(second, { report: "weekly", digest: null })
    })
  )

  it.effect("an invalid notification is refused with the location of its error", () =>
    Effect.gen(function* () {
      const { add } = yield* withNotifications
      for (const [body, location] of [
        [{ to: "no address" }, "body.to"],
        [{ to: "a@b.example\nBcc: x@y.example" }, "body.to"],
        [{ to: "a@b.example", digest: "1h" }, "body.digest"],
        [{ to: "a@b.example", report: "weekly", digest: "15m" }, "body.digest"],
        [{ to: "a@b.example", report: "weekly", quarantined: true }, "body.quarantined"]
      ] as const) {
        const answer = yield* add(body)
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [location]], JSON.stringify(body))
      }
    })
  )

  it.effect("sends a test mail to a confirmed address only, and returns the mail server's error", () =>
    Effect.gen(function* () {
      const { add, request, site } = yield* withNotifications
      const { notification_id: id } = JSON.parse((yield* add({ to: "owner@example.com" })).text)
      const test = request("POST", `/notifications/${id}/test`)
      const before = sent.length
      const unconfirmed = yield* test
      assert.deepStrictEqual([unconfirmed.status, locationsOf(unconfirmed.text)], [422, ["body"]])
      assert.include(unconfirmed.text, "the link in the confirmation mail")
      assert.lengthOf(sent, before)
      yield* Notifications.use(({ confirm }) => confirm(site.websiteConfigId, () => true))
      assert.deepStrictEqual(JSON.parse((yield* test).text), { accepted: true, error: null })
      assert.strictEqual(sent.at(-1)?.to, "owner@example.com")
      outcomes.push({ _tag: "Refused", error: "550 no" })
      assert.deepStrictEqual(JSON.parse((yield* test).text), { accepted: false, error: "550 no" })
    })
  )

  it.effect("mails conversations as the owner chose, to a recipient of the website's submissions only", () =>
    Effect.gen(function* () {
      const { add, request } = yield* withNotifications
      const choiceOf = (body: object) =>
        Effect.map(add({ to: "owner@example.com", ...body }), ({ text }) => JSON.parse(text).conversations)
      assert.strictEqual(yield* choiceOf({ conversations: "all" }), "all")
      // Adding the address again replaces its options.
      assert.strictEqual(yield* choiceOf({}), "unanswered")
      assert.strictEqual(yield* choiceOf({ conversations: "off" }), "off")
      assert.strictEqual(yield* choiceOf({ page: "contact" }), "off")
      assert.strictEqual(yield* choiceOf({ report: "weekly", conversations: "off" }), "off")
      for (const body of [
        { page: "contact", conversations: "all" },
        { report: "weekly", conversations: "unanswered" }
      ]) {
        const { status, text } = yield* request("POST", "/notifications", { to: "owner@example.com", ...body })
        assert.deepStrictEqual([status, JSON.parse(text).detail[0].loc], [422, ["body", "conversations"]])
      }
    })
  )

  it.effect("removes a notification, and neither tests nor removes one of another website", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* withNotifications, yield* opened]
      const { notification_id: id } = JSON.parse((yield* mine.add({ to: "owner@example.com" })).text)
      yield* mine.add({ to: "owner@example.com", report: "weekly" })
      const path = `/notifications/${id}`
      const before = sent.length
      assert.strictEqual((yield* theirs.request("POST", `${path}/test`)).status, 404)
      assert.lengthOf(sent, before)
      assert.strictEqual((yield* theirs.request("DELETE", path)).status, 404)
      assert.strictEqual((yield* mine.request("DELETE", path)).status, 204)
      assert.strictEqual((yield* mine.request("DELETE", path)).status, 404)
      assert.lengthOf(JSON.parse((yield* mine.request("GET", "/notifications")).text).notifications, 1)
    })
  )

  it.effect("limits the test mails of a website", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      /** Adds a notification, and returns the path of its test. */
      const addTestPath = ({ site: { websiteConfigId } }: typeof mine) =>
        Effect.map(
          Notifications.use((all) => all.add(websiteConfigId, { to: "a@example.com", report: "weekly" })),
          (added) => `/notifications/${Option.getOrThrow(added).notification_id}/test`
        )
      const path = yield* addTestPath(mine)
      const before = sent.length
      for (let count = 0; count < testLimit.limit; count++) {
        assert.strictEqual((yield* mine.request("POST", path)).status, 200)
      }
      const refused = yield* mine.request("POST", path)
      assert.strictEqual(refused.status, 429)
      assert.isAbove(Number(refused.headers.get("retry-after")), 0)
      assert.lengthOf(sent, before + testLimit.limit)
      assert.strictEqual((yield* theirs.request("POST", yield* addTestPath(theirs))).status, 200)
    })
  )

  it.effect("refuses an address that unsubscribed, and a new one over the limit, and names the next step", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const add = (to: string) => request("POST", "/notifications", { to })
      const { notification_id: id } = JSON.parse((yield* add("ada@example.com")).text)
      yield* Notifications.use(({ unsubscribe }) => unsubscribe(id))
      const unsubscribed = yield* add("ada@example.com")
      assert.deepStrictEqual([unsubscribed.status, locationsOf(unsubscribed.text)], [422, ["body.to"]])
      assert.include(unsubscribed.text, "`hydracore notify add`")
      for (let count = 1; count < maxMails; count++)
        assert.strictEqual((yield* add(`${count}@example.com`)).status, 200)
      const over = yield* add("eve@example.com")
      assert.strictEqual(over.status, 429)
      assert.include(over.text, "`hydracore notify add`")
      assert.isAbove(Number(over.headers.get("retry-after")), 86_000)
      assert.strictEqual((yield* add("1@example.com")).status, 200)
    })
  )

  it.effect("sends a confirmation mail again, not before ten minutes have passed, and only where one is needed", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const { websiteConfigId } = mine.site
      const { notification_id: id } = JSON.parse(
        (yield* mine.request("POST", "/notifications", { to: "ada@example.com" })).text
      )
      const path = `/notifications/${id}/confirmation`
      const early = yield* mine.request("POST", path)
      assert.strictEqual(early.status, 429)
      assert.include(early.text, "Try again in 10 minutes.")
      assert.isAtLeast(Number(early.headers.get("retry-after")), 590)
      // Deletes the record of the first mail. The effect is as if ten minutes had passed.
      yield* Notifications.use(({ eraseRecipient }) => eraseRecipient("ada@example.com", websiteConfigId))
      assert.strictEqual((yield* theirs.request("POST", path)).status, 404)
      const resent = yield* mine.request("POST", path)
      assert.strictEqual(resent.status, 200)
      assert.deepInclude(JSON.parse(resent.text), { notification_id: id, to: "ada@example.com", confirmed: false })
      assert.strictEqual((yield* mine.request("POST", path)).status, 429)
      yield* Notifications.use(({ confirm }) => confirm(websiteConfigId, () => true))
      const confirmed = yield* mine.request("POST", path)
      assert.strictEqual(confirmed.status, 409)
      assert.include(confirmed.text, "confirmed already")
      const unknown = yield* mine.request("POST", `/notifications/${randomUUID()}/confirmation`)
      assert.strictEqual(unknown.status, 404)
    })
  )

  it.effect("lists the recipients of a submission's mails, and limits the notifications of a website", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { websiteConfigId } = site
      yield* request("POST", "/notifications", { to: "a@example.com", digest: "daily" })
      yield* Notifications.use(({ confirm }) => confirm(websiteConfigId, () => true))
      yield* request("POST", "/notifications", { to: "b@example.com", report: "monthly" })
      const submissionId = yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDrafts.make(websiteConfigId)))
      yield* fanOutAll
      const { mails, webhooks } = JSON.parse((yield* request("GET", `/submissions/${submissionId}/deliveries`)).text)
      assert.deepStrictEqual(webhooks, [])
      assert.lengthOf(mails, 1)
      assert.deepInclude(mails[0], { to: "a@example.com", status: "waiting", error: null })
      yield* Notifications.use((notifications) =>
        Effect.forEach(Array.from({ length: Maximums.notifications.max - 3 }), (_, index) =>
          notifications.add(websiteConfigId, { to: `${index}@x.example`, report: "weekly" })
        )
      )
      const last = yield* Effect.forEach(
        ["weekly", "monthly"],
        (report) => request("POST", "/notifications", { to: "a@example.com", report }),
        { concurrency: "unbounded" }
      )
      assert.sameMembers(
        last.map(({ status }) => status),
        [200, 422]
      )
      const answer = yield* request("POST", "/notifications", { to: "c@example.com" })
      assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body"]])
      const changed = yield* request("POST", "/notifications", { to: "a@example.com", digest: "15m" })
      assert.deepInclude(JSON.parse(changed.text), { digest: "15m", confirmed: true })
    })
  )
})
