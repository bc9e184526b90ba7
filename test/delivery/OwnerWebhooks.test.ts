/**
 * Webhooks and their deliveries over HTTP.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { maxSends, Webhooks } from "../../src/delivery/Webhook.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { deliveriesOf, fanOutAll, leaseOf, newWebhook, settle } from "../support/Delivery.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"

const url = "https://hooks.example.com/T0/secret"

const refused = [
  "http://127.0.0.1/",
  "http://localhost/",
  "https://10.0.0.1/",
  "https://192.168.1.1/hook",
  "http://169.254.169.254/latest/meta-data",
  "http://[::1]/",
  "http://[::ffff:10.0.0.1]/",
  "http://2130706433/",
  "https://hooks.example.com:8443/",
  "https://allowed.internal/"
]

const allowed = [{ host: "allowed.internal", port: 443 }]

layer(testServer({ webhookAllow: allowed }), { excludeTestServices: true })("webhooks", (it) => {
  it.effect("creates, lists, changes, rotates and deletes a website's webhooks, but no other website's", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const created = JSON.parse((yield* mine.request("POST", "/webhooks", { url })).text)
      assert.match(created.secret, /^whsec_/)
      const path = `/webhooks/${created.webhook_id}`
      const [listed] = JSON.parse((yield* mine.request("GET", "/webhooks")).text).webhooks
      const { created_at: _, ...facts } = listed
      assert.deepStrictEqual(facts, {
        webhook_id: created.webhook_id,
        url,
        host: "hooks.example.com",
        events: [],
        format: "standard",
        failing_since: null,
        disabled_at: null
      })
      const change = { events: ["submission.accepted", "submission.accepted"], format: "slack", enabled: false }
      const changed = JSON.parse((yield* mine.request("PATCH", path, change)).text)
      assert.deepInclude(changed, { url, events: ["submission.accepted"], format: "slack" })
      assert.isNotNull(changed.disabled_at)
      assert.isNull(JSON.parse((yield* mine.request("PATCH", path, { enabled: true })).text).disabled_at)
      const rotated = JSON.parse((yield* mine.request("POST", `${path}/rotate`)).text)
      assert.notStrictEqual(rotated.secret, created.secret)
      const stored = yield* Webhooks.use((webhooks) =>
        webhooks.withSecrets(mine.site.websiteConfigId, created.webhook_id)
      )
      assert.deepStrictEqual(stored._tag === "Some" && stored.value.secrets, [rotated.secret, created.secret])
      for (const [method, suffix, body] of [
        ["PATCH", "", {}],
        ["DELETE", "", undefined],
        ["POST", "/rotate", undefined],
        ["POST", "/test", undefined],
        ["GET", "/deliveries", undefined]
      ] as const) {
        assert.strictEqual((yield* theirs.request(method, path + suffix, body)).status, 404, method + suffix)
      }
      assert.strictEqual((yield* mine.request("DELETE", path)).status, 204)
      assert.strictEqual((yield* mine.request("DELETE", path)).status, 404)
    })
  )

  it.effect(
    "refuses invalid settings, and addresses outside the public internet even if the operator allows them",
    () =>
      Effect.gen(function* () {
        const { request } = yield* opened
        const { webhook_id } = JSON.parse((yield* request("POST", "/webhooks", { url })).text)
        for (const address of [...refused, "ftp://a.example/", "https://a:b@c.example/", "x", ""]) {
          const answers = [
            yield* request("POST", "/webhooks", { url: address }),
            yield* request("PATCH", `/webhooks/${webhook_id}`, { url: address })
          ]
          for (const { status, text } of answers) {
            assert.deepStrictEqual([status, locationsOf(text)], [422, ["body.url"]], address)
          }
        }
        for (const [body, place] of [
          [{ url, events: ["other"] }, "body.events"],
          [{ url, events: "submission.accepted" }, "body.events"],
          [{ url, events: [[]] }, "body.events"],
          [{ url, format: "xml" }, "body.format"],
          [{}, "body.url"]
        ] as const) {
          const answer = yield* request("POST", "/webhooks", body)
          assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [place]], JSON.stringify(body))
        }
        assert.lengthOf(JSON.parse((yield* request("GET", "/webhooks")).text).webhooks, 1)
      })
  )

  it.effect("the guard checks an address again when a test is sent", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { websiteConfigId } = site
      // This server would answer a request with a status.
      const { url: server } = yield* TestServer
      const { webhook } = yield* newWebhook(websiteConfigId, server)
      const tested = yield* request("POST", `/webhooks/${webhook.webhookId}/test`)
      assert.strictEqual(tested.status, 200)
      const { event_id: _, millis: __, ...outcome } = JSON.parse(tested.text)
      const error =
        "the webhook is not on the public internet; the service sends elsewhere only to the hosts in WEBHOOK_ALLOW"
      assert.deepStrictEqual(outcome, { delivered: false, status: null, answer: null, error })
    })
  )

  it.effect("an owner sees no address, answer or secret of a webhook in the operator's network, and changes none", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { websiteConfigId } = site
      for (const internal of ["https://allowed.internal/T0/secret", "http://10.0.0.4:9000/secret"]) {
        const { webhook } = yield* newWebhook(websiteConfigId, internal)
        const submissionId = yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDrafts.make(websiteConfigId)))
        yield* fanOutAll
        const [leased] = yield* leaseOf(webhook)
        assert.isDefined(leased)
        const attempt = { attemptedAt: site.createdAt, millis: 1, status: 500, error: null }
        yield* Deliveries.use((deliveries) =>
          deliveries.settle(leased, {
            attempt: { ...attempt, answer: "internal answer" },
            next: { status: "failed" },
            affectsHealth: true
          })
        )
        const path = `/webhooks/${webhook.webhookId}`
        const texts = []
        for (const [method, suffix, body] of [
          ["GET", "", undefined],
          ["PATCH", path, { format: "slack" }],
          ["POST", `${path}/test`, undefined],
          ["GET", `${path}/deliveries`, undefined],
          ["GET", `${path}/deliveries/${leased.eventId}`, undefined],
          ["GET", `/submissions/${submissionId}/deliveries`, undefined]
        ] as const) {
          const answer = yield* request(method, suffix === "" ? "/webhooks" : suffix, body)
          assert.strictEqual(answer.status, 200, suffix)
          texts.push(answer.text)
        }
        assert.notMatch(texts.join(), /internal|secret|10\.0\.0\.4/)
        for (const [answer, place] of [
          [yield* request("PATCH", path, { url }), "body.url"],
          [yield* request("POST", `${path}/rotate`), "body"]
        ] as const) {
          assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [place]])
        }
        const [stored] = yield* Webhooks.use((webhooks) => webhooks.list(websiteConfigId))
        assert.deepInclude(stored, { url: internal, format: "slack" })
        assert.strictEqual((yield* request("DELETE", path)).status, 204)
      }
    })
  )

  it.effect("a viewer reads webhooks without their addresses, which may hold secrets", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      yield* request("POST", "/webhooks", { url })
      const { url: server } = yield* TestServer
      const cookie = yield* newCookie("viewer", [site.websiteConfigId])
      const { text } = yield* send(server, `/v1/owner/sites/${site.websiteConfigId}/webhooks`, { cookie })
      assert.deepInclude(JSON.parse(text).webhooks[0], { url: null, host: "hooks.example.com" })
      assert.notInclude(text, "secret")
    })
  )

  it.effect("lists and shows deliveries, retries one, and lists the deliveries of a submission", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const { webhook_id } = JSON.parse((yield* mine.request("POST", "/webhooks", { url })).text)
      const submissionId = yield* SubmissionRepo.use((repo) =>
        repo.submit(SubmissionDrafts.make(mine.site.websiteConfigId))
      )
      yield* fanOutAll
      const path = `/webhooks/${webhook_id}/deliveries`
      const [delivery] = JSON.parse((yield* mine.request("GET", path)).text).deliveries
      assert.deepInclude(delivery, { type: "submission.accepted", status: "pending", attempts: 0 })
      assert.deepStrictEqual(JSON.parse((yield* mine.request("GET", `${path}?status=failed`)).text).deliveries, [])
      assert.strictEqual((yield* mine.request("GET", `${path}?status=other`)).status, 422)
      const details = JSON.parse((yield* mine.request("GET", `${path}/${delivery.event_id}`)).text)
      assert.deepInclude(details, { ...delivery, history: [] })
      assert.include(details.payload, submissionId)
      assert.strictEqual((yield* mine.request("POST", `${path}/${delivery.event_id}/retry`)).status, 204)
      assert.strictEqual((yield* mine.request("POST", `${path}/${randomUUID()}/retry`)).status, 404)
      assert.strictEqual((yield* mine.request("GET", `${path}/${randomUUID()}`)).status, 404)
      const ofSubmission = `/submissions/${submissionId}/deliveries`
      const { mails, webhooks } = JSON.parse((yield* mine.request("GET", ofSubmission)).text)
      assert.deepStrictEqual(mails, [])
      assert.deepInclude(webhooks[0], { webhook_id, host: "hooks.example.com", status: "pending" })
      assert.notInclude(JSON.stringify(webhooks), "secret")
      assert.strictEqual((yield* theirs.request("GET", ofSubmission)).status, 404)
      yield* mine.request("POST", "/submissions/delete", { submission_ids: [submissionId] })
      const deleted = yield* mine.request("POST", `${path}/${delivery.event_id}/retry`)
      assert.strictEqual(deleted.status, 404)
      assert.include(deleted.text, "cannot be attempted again")
    })
  )

  it.effect(
    "a website has a limited number of tests, retries and replays an hour, and other websites have their own",
    () =>
      Effect.gen(function* () {
        const [mine, theirs] = [yield* opened, yield* opened]
        const create = (owner: typeof mine) =>
          Effect.map(
            owner.request("POST", "/webhooks", { url: "https://hooks.invalid/" }),
            ({ text }) => `/webhooks/${JSON.parse(text).webhook_id}`
          )
        const [webhook, other] = [yield* create(mine), yield* create(theirs)]
        const retry = `/deliveries/${randomUUID()}/retry`
        // A request that the website may not make does not count.
        assert.strictEqual((yield* mine.request("POST", other + retry)).status, 404)
        const since = { since: "2020-01-31" }
        assert.strictEqual((yield* mine.request("POST", `${webhook}/replay`, since)).status, 200)
        for (let count = 1; count < maxSends; count++) {
          assert.strictEqual((yield* mine.request("POST", webhook + retry)).status, 404)
        }
        for (const [path, body] of [["/test"], ["/replay", since], [retry]] as const) {
          const refused = yield* mine.request("POST", webhook + path, body)
          assert.strictEqual(refused.status, 429, path)
          assert.match(refused.headers.get("retry-after") ?? "", /^[1-9][0-9]*$/)
          assert.include(refused.text, `at most ${maxSends} webhook tests, retries and replays an hour`)
        }
        assert.strictEqual((yield* mine.request("GET", `${webhook}/replay?since=2020-01-31`)).status, 200)
        assert.strictEqual((yield* theirs.request("POST", `${other}/replay`, since)).status, 200)
      })
  )

  it.effect("lists deliveries in parts, and counts and sends again those since a time, but no other website's", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const { webhook_id } = JSON.parse((yield* mine.request("POST", "/webhooks", { url })).text)
      for (let count = 0; count < 3; count++) {
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDrafts.make(mine.site.websiteConfigId)))
      }
      yield* fanOutAll
      for (const one of yield* leaseOf({ webhookId: webhook_id })) {
        yield* settle(one, { status: 500, next: { status: "failed" }, affectsHealth: false })
      }
      const path = `/webhooks/${webhook_id}/deliveries`
      const listed: Array<string> = []
      for (let cursor = ""; ; ) {
        const { deliveries, next } = JSON.parse((yield* mine.request("GET", `${path}?limit=2${cursor}`)).text)
        for (const { event_id } of deliveries) listed.push(event_id)
        if (next === null) break
        assert.lengthOf(deliveries, 2)
        cursor = `&cursor=${next}`
      }
      assert.lengthOf(new Set(listed), 3)
      assert.deepStrictEqual(
        listed,
        (yield* deliveriesOf({ webhookId: webhook_id })).map(({ event_id: eventId }) => eventId)
      )
      const replay = `/webhooks/${webhook_id}/replay`
      for (const [query, count] of [
        ["since=2020-01-31&status=failed", 3],
        ["since=2020-01-31T08:00:00Z", 3],
        ["since=2020-01-31&status=delivered", 0],
        ["since=9000-01-31", 0]
      ] as const) {
        const { text } = yield* mine.request("GET", `${replay}?${query}`)
        assert.deepStrictEqual(JSON.parse(text), { deliveries: count }, query)
      }
      for (const [suffix, place] of [
        ["", "query.since"],
        ["?since=yesterday", "query.since"],
        ["?since=2020-01-31&status=other", "query.status"]
      ] as const) {
        const { status, text } = yield* mine.request("GET", replay + suffix)
        assert.deepStrictEqual([status, locationsOf(text)], [422, [place]], suffix)
      }
      const body = { since: "2020-01-31", status: "failed" }
      assert.strictEqual((yield* theirs.request("POST", replay, body)).status, 404)
      assert.strictEqual((yield* theirs.request("GET", `${replay}?since=2020-01-31`)).status, 404)
      assert.strictEqual((yield* mine.request("POST", replay, { status: "failed" })).status, 422)
      assert.deepStrictEqual(JSON.parse((yield* mine.request("POST", replay, body)).text), { deliveries: 3 })
      assert.strictEqual(yield* Deliveries.use((deliveries) => deliveries.continueReplays), 3)
      const again = yield* leaseOf({ webhookId: webhook_id })
      assert.sameMembers(
        again.map(({ eventId }) => eventId),
        listed
      )
    })
  )

  it.effect("a website has a bounded number of webhooks", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { websiteConfigId } = site
      yield* Webhooks.use((webhooks) =>
        Effect.replicateEffect(
          webhooks.create(websiteConfigId, { url, events: [], format: "standard" }),
          Maximums.webhooks.max
        )
      )
      const answer = yield* request("POST", "/webhooks", { url })
      assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body"]])
    })
  )
})
