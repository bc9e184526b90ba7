/**
 * The responses of the rate limit, and the addresses by which it counts clients.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import { IpNetwork } from "effect/net"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { assertCounts } from "../support/DecisionCounts.ts"
import { deliveriesOf, fanOutSome } from "../support/Delivery.ts"
import * as OwnerRequests from "../support/OwnerRequests.ts"
import { paths, TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

const policy = (name: string, limit: number) => Option.some({ name, limit, windowMillis: 60_000 })

/** A pattern for the seconds until the window ends; the tests of `platform/limits/RateLimit` check the value. */
const seconds = "(60|[1-5][0-9]|[1-9])"

const limited = {
  rateLimitAnalytics: policy("analytics", 3),
  rateLimitForms: policy("forms", 2),
  rateLimitChat: policy("chat", 2)
}

layer(testServer(limited), { excludeTestServices: true })("the rate limit", (it) => {
  it.effect(
    "accepts as many requests as the policy allows and sends how many remain, then refuses with Retry-After",
    () =>
      Effect.gen(function* () {
        const { send, websiteConfigId } = yield* TestServer
        const submit = send(paths.submit, { site_id: websiteConfigId, form_data: {} })
        for (const remaining of [1, 0]) {
          const answer = yield* submit
          assert.strictEqual(answer.status, 200)
          assert.strictEqual(answer.headers.get("ratelimit-policy"), '"forms";q=2;w=60')
          assert.match(answer.headers.get("ratelimit") ?? "", new RegExp(`^"forms";r=${remaining};t=${seconds}$`))
          assert.isFalse(answer.headers.has("retry-after"))
        }
        const refused = yield* submit
        assert.strictEqual(refused.status, 429)
        assert.match(refused.text, /^\{"detail":".+"\}$/)
        assert.match(refused.headers.get("retry-after") ?? "", new RegExp(`^${seconds}$`))
        assert.match(refused.headers.get("ratelimit") ?? "", new RegExp(`^"forms";r=0;t=${seconds}$`))
      })
  )

  it.effect("counts only valid requests, per endpoint", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      for (let times = 0; times < 5; times++) assert.strictEqual((yield* send(paths.track, {})).status, 422)
      const statuses = []
      for (let times = 0; times < 4; times++) {
        statuses.push((yield* send(paths.track, { site_id: trackingToken, page_path: "/" })).status)
      }
      assert.deepStrictEqual(statuses, [204, 204, 204, 429])
    })
  )

  it.effect("counts requests with a wrong token, and refuses those over the limit before it looks up the token", () =>
    Effect.gen(function* () {
      const { instance, send } = yield* TestServer
      const statuses = []
      for (let times = 0; times < 3; times++) {
        const headers = { "x-widget-token": `hwt_${String(times).repeat(43)}` }
        statuses.push((yield* send(paths.chat(instance.instance_id), { message: "hi" }, { headers })).status)
      }
      assert.deepStrictEqual(statuses, [401, 401, 429])
    })
  )

  it.effect("a refused chat message causes an event for the website that the instance serves", () =>
    Effect.gen(function* () {
      const [webhooks, deliveries] = [yield* Webhooks, yield* Deliveries]
      const { instance, send, websiteConfigId } = yield* TestServer
      yield* InstanceDirectory.use((instances) =>
        instances.update(instance.instance_id, { website_config_id: websiteConfigId })
      )
      const created = yield* webhooks.create(websiteConfigId, {
        url: "https://hooks.example/",
        events: ["site.limit"],
        format: "standard"
      })
      const { webhook_id: webhookId } = Option.getOrThrow(created)
      const chat = send(paths.chat(instance.instance_id), { message: "hi" })
      yield* Effect.repeat(chat, { until: ({ status }) => status === 429 })
      // Rejections are stored a moment later.
      const fannedOut = Effect.andThen(fanOutSome, deliveriesOf({ webhookId }))
      const [event, ...others] = yield* poll(fannedOut, (deliveries) => deliveries.length > 0)
      assert.deepStrictEqual([event?.type, others], ["site.limit", []])
      if (event === undefined) return assert.fail("there is an event")
      const shown = Option.getOrThrow(yield* deliveries.show(webhookId, event.event_id))
      assert.isAtLeast(JSON.parse(shown.payload ?? "").data.refused_messages, 1)
    }).pipe(Effect.orDie)
  )

  it.effect("a client cannot choose its address by a header", () =>
    Effect.gen(function* () {
      const { send, websiteConfigId } = yield* TestServer
      for (const address of ["1.2.3.4", "5.6.7.8"]) {
        const headers = { "x-forwarded-for": address, "x-real-ip": address, forwarded: `for=${address}` }
        const answer = yield* send(paths.submit, { site_id: websiteConfigId, form_data: {} }, { headers })
        assert.strictEqual(answer.status, 429)
      }
    })
  )
})

const ofNetwork = Option.map(policy("all", 1), (one) => ({ ...one, networkLimit: 2 }))

layer(
  testServer({
    ownerApi: true,
    rateLimitAnalytics: ofNetwork,
    rateLimitForms: ofNetwork,
    rateLimitChat: ofNetwork,
    rateLimitChatRead: ofNetwork,
    rateLimitOwner: ofNetwork,
    trustedProxies: [IpNetwork.fromStringUnsafe("127.0.0.0/8")]
  }),
  { excludeTestServices: true }
)("the rate limit of an IPv6 /48", (it) => {
  it.effect("bounds the clients of a /48 together on every public limit, and no others", () =>
    Effect.gen(function* () {
      const { instance, send, trackingToken, url, websiteConfigId } = yield* TestServer
      let network = 0
      const openai = paths.chat(instance.instance_id).replace(/chat$/, "openai/v1/models")
      const key = `hok_${"a".repeat(43)}`
      const post =
        (path: string, body: object) =>
        (headers: Record<string, string>): Effect.Effect<{ readonly status: number }> =>
          send(path, body, { headers })
      const requests = [
        post(paths.track, { site_id: trackingToken, page_path: "/" }),
        post(paths.event, { site_id: trackingToken, name: "signup", page_path: "/" }),
        post(paths.submit, { site_id: websiteConfigId, form_data: {} }),
        post(paths.chat(instance.instance_id), { message: "hi" }),
        (headers: Record<string, string>) => OwnerRequests.send(url, openai, { init: { headers } }),
        (headers: Record<string, string>) => OwnerRequests.send(url, "/v1/owner/sites", { key, init: { headers } })
      ]
      for (const request of requests) {
        network++
        const statuses = yield* Effect.forEach(
          [
            `2001:db8:${network}:1::1`,
            `2001:db8:${network}:2::1`,
            `2001:db8:${network}:3::1`,
            `2001:db8:ff${network}:1::1`
          ],
          (address) => Effect.map(request({ "x-forwarded-for": address }), ({ status }) => status)
        )
        assert.deepStrictEqual(
          statuses.map((status) => status === 429),
          [false, false, true, false],
          `${network}: ${statuses}`
        )
      }
    })
  )
})

layer(testServer({ ...limited, trustedProxies: [IpNetwork.fromStringUnsafe("127.0.0.0/8")] }), {
  excludeTestServices: true
})("the rate limit behind a trusted proxy", (it) => {
  it.effect("an invalid request does not count, and of a large body only the first fault is listed", () =>
    Effect.gen(function* () {
      const { send, trackingToken, websiteConfigId } = yield* TestServer
      const large = "x".repeat(20_000)
      const deep = "[".repeat(100_000) + "]".repeat(100_000)
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Large", origins: [] }))
      const ofType = (type: string) => ({ headers: { "content-type": type } })
      const form = `${paths.submit}?site=${site.websiteConfigId}`
      const requests: ReadonlyArray<
        readonly [path: string, body: unknown, init?: { headers: Record<string, string> }]
      > = [
        [paths.track, { site_id: site.trackingToken, page_path: 1, device_type: 1, referrer: large }],
        [paths.track, `{"site_id":"${trackingToken}","page_path":${deep}}`],
        [paths.track, large],
        [paths.submit, { site_id: site.websiteConfigId, form_data: { large }, email: 1, page_slug: 1 }],
        [paths.submit, `{"site_id":"${websiteConfigId}","form_data":{"a":${deep}}}`],
        [form, `a=${large}&`.repeat(2), ofType("application/x-www-form-urlencoded")],
        [form, large, ofType("multipart/form-data; boundary=x")]
      ]
      // A form that only repeats a field is valid, and counts.
      const valid = requests[5]
      for (const request of requests) {
        const [path, body, init] = request
        const answer = yield* send(path, body, init)
        assert.strictEqual(answer.status, request === valid ? 200 : 422)
        assert.strictEqual(answer.headers.has("ratelimit"), request === valid)
        if (request !== valid)
          assert.lengthOf((JSON.parse(answer.text) as { detail: ReadonlyArray<unknown> }).detail, 1)
      }
      // Counted for the website that the body or the URL names.
      yield* assertCounts(site, { invalid: 3 })
    })
  )

  it.effect("counts each chat before its token is looked up and its body is parsed", () =>
    Effect.gen(function* () {
      const { instance, send, widgetToken } = yield* TestServer
      const path = paths.chat(instance.instance_id)
      for (const [client, body, token, status] of [
        [1, { message: 1 }, widgetToken, 422],
        [2, { message: 1, large: "x".repeat(20_000) }, widgetToken, 422],
        [3, { message: "Hi" }, "hwt_guess", 401]
      ] as const) {
        const headers = { "x-forwarded-for": `192.0.2.${client}`, "x-widget-token": token }
        for (const left of [1, 0]) {
          const answer = yield* send(path, body, { headers })
          assert.strictEqual(answer.status, status)
          assert.match(answer.headers.get("ratelimit") ?? "", new RegExp(`;r=${left};`))
        }
        assert.strictEqual((yield* send(path, body, { headers })).status, 429)
      }
    })
  )

  it.effect("counts each client that the proxy names, and an IPv6 network as one", () =>
    Effect.gen(function* () {
      const { send, websiteConfigId } = yield* TestServer
      const from = (address: string) =>
        Effect.map(
          send(
            paths.submit,
            { site_id: websiteConfigId, form_data: {} },
            { headers: { "x-forwarded-for": `6.6.6.6, ${address}` } }
          ),
          ({ status }) => status
        )
      assert.deepStrictEqual(
        [yield* from("192.0.2.1"), yield* from("192.0.2.1"), yield* from("192.0.2.1"), yield* from("192.0.2.2")],
        [200, 200, 429, 200]
      )
      assert.deepStrictEqual(
        [yield* from("2001:db8::1"), yield* from("2001:db8::2"), yield* from("2001:db8:0:0:1::3")],
        [200, 200, 429]
      )
      assert.strictEqual(yield* from("2001:db8:0:1::1"), 200)
    })
  )
})

layer(testServer(), { excludeTestServices: true })("without a rate limit", (it) => {
  it.effect("responses have no rate limit headers", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      const answer = yield* send(paths.track, { site_id: trackingToken, page_path: "/" })
      assert.strictEqual(answer.status, 204)
      assert.isFalse(answer.headers.has("ratelimit"))
    })
  )
})
