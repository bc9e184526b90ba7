/**
 * Mail notifications, the rules of forms, and the deletion of websites over HTTP.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { maxMails } from "../../../src/core/mail/MailRecipient.ts"
import type { Outcome } from "../../../src/core/mail/MailSchedule.ts"
import type { Message } from "../../../src/core/mail/Message.ts"
import { maxNotifications } from "../../../src/core/mail/Notification.ts"
import { testLimit } from "../../../src/http/owner/access/OwnerNotifications.ts"
import { InstanceDirectory } from "../../../src/services/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../../src/services/chat/WidgetTokens.ts"
import { SubmissionRepo } from "../../../src/services/forms/SubmissionRepo.ts"
import { Mailer } from "../../../src/services/mail/Mailer.ts"
import { Notifications } from "../../../src/services/mail/Notifications.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import { SiteErasure } from "../../../src/services/sites/SiteErasure.ts"
import { fanOutAll } from "../../support/Delivery.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { locationsOf, opened } from "../../support/OwnerSession.ts"
import { emptyStorages } from "../../support/Storages.ts"
import * as SubmissionDrafts from "../../support/SubmissionDraft.ts"
import { TestServer, layer as testServer } from "../../support/TestServer.ts"
import { poll } from "../../support/Wait.ts"

const outcomes: Array<Outcome> = []
const sent: Array<Message> = []

const mailer = Layer.succeed(
  Mailer,
  Mailer.of({
    check: Effect.die("The mail server is not checked here."),
    send: (message) =>
      Effect.sync(() => {
        sent.push(message)
        return outcomes.shift() ?? { _tag: "Accepted" }
      })
  })
)

const mail = Option.some({
  mailer,
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: null,
    secretsKey: Redacted.make<Uint8Array>(new Uint8Array(32))
  }
})

const rules = { name: { required: true, max: 100 }, people: { number: true, min: 1, message: "How many?" } }

for (const [name, storage] of emptyStorages) {
  const server = testServer({}, undefined, undefined, storage(), "agent", mail)
  layer(server, { excludeTestServices: true })(`notifications, forms and deletion ${name}`, (it) => {
    it.effect("adds, lists, tests and removes notifications of the website only", () =>
      Effect.gen(function* () {
        const [mine, theirs] = [yield* opened, yield* opened]
        const add = (body: unknown) => mine.request("POST", "/notifications", body)
        const added = JSON.parse((yield* add({ to: " owner@example.com ", digest: "15m", quarantined: true })).text)
        const { created_at: _, notification_id: id, ...facts } = added
        assert.deepStrictEqual(facts, {
          ...{ to: "owner@example.com", report: null, digest: "15m", quarantined: true },
          confirmed: false
        })
        yield* add({ to: "owner@example.com", report: "weekly" })
        const listed = JSON.parse((yield* mine.request("GET", "/notifications")).text)
        assert.isTrue(listed.can_send)
        const [{ latest_mail: latest, ...first }] = listed.notifications
        assert.deepStrictEqual([first, latest.status], [added, "pending"])
        assert.deepInclude(listed.notifications[1], { report: "weekly", digest: null })
        for (const [body, place] of [
          [{ to: "no address" }, "body.to"],
          [{ to: "a@b.example\nBcc: x@y.example" }, "body.to"],
          [{ to: "a@b.example", digest: "1h" }, "body.digest"],
          [{ to: "a@b.example", report: "weekly", digest: "15m" }, "body.digest"],
          [{ to: "a@b.example", report: "weekly", quarantined: true }, "body.quarantined"]
        ] as const) {
          const answer = yield* add(body)
          assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [place]], JSON.stringify(body))
        }
        const path = `/notifications/${id}`
        const unsent = sent.length
        const early = yield* mine.request("POST", `${path}/test`)
        assert.deepStrictEqual([early.status, locationsOf(early.text)], [422, ["body"]])
        assert.include(early.text, "the link in the confirmation mail")
        assert.lengthOf(sent, unsent)
        yield* Notifications.use(({ confirm }) => confirm(mine.site.websiteConfigId, () => true))
        assert.deepStrictEqual(JSON.parse((yield* mine.request("POST", `${path}/test`)).text), {
          accepted: true,
          error: null
        })
        assert.strictEqual(sent.at(-1)?.to, "owner@example.com")
        outcomes.push({ _tag: "Refused", error: "550 no" })
        assert.deepStrictEqual(JSON.parse((yield* mine.request("POST", `${path}/test`)).text), {
          accepted: false,
          error: "550 no"
        })
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
        const adding = ({ site: { websiteConfigId } }: typeof mine) =>
          Effect.map(
            Notifications.use((all) =>
              all.add({ websiteConfigId, recipient: "a@example.com", topic: { kind: "report", period: "weekly" } })
            ),
            (added) => `/notifications/${Option.getOrThrow(added).notificationId}/test`
          )
        const path = yield* adding(mine)
        const before = sent.length
        for (let count = 0; count < testLimit.limit; count++) {
          assert.strictEqual((yield* mine.request("POST", path)).status, 200)
        }
        const refused = yield* mine.request("POST", path)
        assert.strictEqual(refused.status, 429)
        assert.isAbove(Number(refused.headers.get("retry-after")), 0)
        assert.lengthOf(sent, before + testLimit.limit)
        assert.strictEqual((yield* theirs.request("POST", yield* adding(theirs))).status, 200)
      })
    )

    it.effect("refuses an address that unsubscribed, and a new one over the limit, with the next step", () =>
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
        // As after ten minutes, or after the record of the first mail has expired.
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
          Effect.forEach(Array.from({ length: maxNotifications - 2 }), (_, index) =>
            notifications.add({
              websiteConfigId,
              recipient: `${index}@x.example`,
              topic: { kind: "report", period: "weekly" }
            })
          )
        )
        const answer = yield* request("POST", "/notifications", { to: "c@example.com" })
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body"]])
      })
    )

    it.effect("sets, lists and deletes the rules of forms of the website only", () =>
      Effect.gen(function* () {
        const [mine, theirs] = [yield* opened, yield* opened]
        const page = "contact & more/ü"
        const put = (body: unknown) => mine.request("PUT", "/forms", body)
        const form = JSON.parse((yield* put({ page, rules })).text)
        assert.deepInclude(form, { page, rules })
        const replaced = JSON.parse((yield* put({ page, rules: { name: {} } })).text)
        assert.deepInclude(replaced, { rules: { name: {} }, created_at: form.created_at })
        assert.deepStrictEqual(JSON.parse((yield* mine.request("GET", "/forms")).text), { forms: [replaced] })
        for (const [body, places] of [
          [{ page: "", rules }, ["body.page"]],
          [{ page: "a\0", rules }, ["body.page"]],
          [{ page, rules: {} }, ["body.rules"]],
          [{ page, rules: [] }, ["body.rules"]],
          [{ page, rules: { name: { requird: true } } }, ["body.rules.name.requird"]],
          [{ page, rules: { name: { pattern: "(" } } }, ["body.rules.name.pattern"]],
          [{ page, rules: { a: { min: 2, max: 1 }, b: { email: 1 } } }, ["body.rules.a.max", "body.rules.b.email"]]
        ] as const) {
          const answer = yield* put(body)
          assert.strictEqual(answer.status, 422, JSON.stringify(body))
          assert.sameMembers(locationsOf(answer.text), [...places])
        }
        const query = `/forms?page=${encodeURIComponent(page)}`
        assert.strictEqual((yield* theirs.request("DELETE", query)).status, 404)
        assert.strictEqual((yield* mine.request("DELETE", query)).status, 204)
        assert.strictEqual((yield* mine.request("DELETE", query)).status, 404)
        assert.strictEqual((yield* mine.request("DELETE", "/forms")).status, 422)
      })
    )

    it.effect(
      "a deleted website is a 404 at once, so is a new instance for it, and the tokens of its instances end",
      () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const cookie = yield* newCookie("owner", "all")
          const instance = { name: "A", agent_url: "https://agent.example" }
          const [mine, elsewhere] = [yield* opened, yield* opened]
          const request = (site: { readonly websiteConfigId: string }, path: string, body?: unknown) =>
            Effect.map(
              send(url, `/v1/owner/sites/${site.websiteConfigId}${path}`, {
                cookie,
                ...(body === undefined ? {} : { body })
              }),
              ({ status }) => status
            )
          const tokens = yield* WidgetTokens
          const { instanceId } = yield* InstanceDirectory.use((instances) =>
            instances.create({ name: "A", agentUrl: "https://a.example", websiteConfigId: mine.site.websiteConfigId })
          )
          const { token } = yield* tokens
            .issue({ instanceId, label: null, expiresAt: null })
            .pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
          assert.isTrue(Option.isSome(yield* tokens.authenticate(instanceId, token)))
          for (const { site } of [mine, elsewhere]) assert.strictEqual(yield* request(site, "/instances"), 200)
          assert.strictEqual(yield* request(mine.site, "/delete", { name: "A" }), 200)
          for (const path of ["", "/instances", "/submissions", "/goals"]) {
            assert.strictEqual(yield* request(mine.site, path), 404, path)
          }
          assert.strictEqual(yield* request(mine.site, "/instances", instance), 404)
          yield* poll(tokens.authenticate(instanceId, token), Option.isNone)
          // As another process does, while this one has the website in its cache.
          yield* SiteErasure.use((erasure) => erasure.erase(elsewhere.site.websiteConfigId))
          assert.strictEqual(yield* request(elsewhere.site, "/instances", instance), 404)
        })
    )

    it.effect("deletes a website with its data, only if its name is given", () =>
      Effect.gen(function* () {
        const { request, site } = yield* opened
        const { websiteConfigId } = site
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDrafts.make(websiteConfigId)))
        for (const body of [{ name: "B" }, { name: "a" }, { name: "" }, {}]) {
          const answer = yield* request("POST", "/delete", body)
          assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body.name"]], JSON.stringify(body))
        }
        const deleted = yield* request("POST", "/delete", { name: "A" })
        assert.strictEqual(deleted.status, 200)
        assert.deepInclude(JSON.parse(deleted.text), { submissions: 1, page_views: 0, conversations: 0 })
        const listed = yield* SiteDirectory.use((sites) => sites.list)
        assert.notInclude(
          listed.map((site) => site.websiteConfigId),
          websiteConfigId
        )
        assert.notInclude([200, 204], (yield* request("POST", "/delete", { name: randomUUID() })).status)
      })
    )
  })
}
