/**
 * The responses of every endpoint over a real socket, with each storage.
 */
import { assert, describe, layer, type Vitest } from "@effect/vitest"
import { Effect, Layer, Option, Stream } from "effect"
import { AnalyticsExport } from "../../src/services/analytics/AnalyticsExport.ts"
import { AnalyticsRepo } from "../../src/services/analytics/AnalyticsRepo.ts"
import { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { StorageUnavailable } from "../../src/services/Storage.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import { countsBy } from "../support/Counts.ts"
import { type Storage, storages } from "../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const allowedHeaders = "*, Authorization, Content-Type, Idempotency-Key, X-Widget-Token, X-HydraCore-Session"
const detailOf = (json: unknown): unknown => (json as { readonly detail?: unknown } | undefined)?.detail

const submissions = (websiteConfigId: string) =>
  SubmissionRepo.use((repo) => Stream.runCollect(repo.stream({ websiteConfigId })))

/** A separate website, so that its page views can be counted. */
const withSite = Effect.gen(function* () {
  const server = yield* TestServer
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Counted", origins: [] }))
  return { ...server, trackingToken: site.trackingToken, hostedWebsiteId: site.hostedWebsiteId }
})

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  describe("page views", () => {
    it.effect("one is stored, then answered 204 without a body; a bot's is not counted", () =>
      Effect.gen(function* () {
        const { hostedWebsiteId, send, trackingToken } = yield* withSite
        const referrer = "https://search.example/?q=secret"
        const body = { site_id: trackingToken, page_path: "/a?utm_source=x", screen_width: "1440", referrer }
        const answer = yield* send(paths.track, body, { headers: browser })
        assert.strictEqual(answer.status, 204)
        assert.strictEqual(answer.text, "")
        assert.strictEqual((yield* send(paths.track, body, { headers: { "user-agent": "curl/8" } })).status, 204)
        const today = { days: 1, now: Date.now() }
        const rows = yield* countsBy(hostedWebsiteId, ["event:page", "visit:referrer"], ["pageviews"], today)
        assert.deepStrictEqual(rows, [["/a", "search.example", 1]])
      })
    )

    it.effect("a page of the website itself is not a referrer, even if it is cached as another website's", () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        const sites = yield* SiteDirectory
        /** The referrers of the stored page views, which a visit would have of its first one only. */
        const referrersOf = (hostedWebsiteId: string) =>
          AnalyticsExport.use(({ rows }) =>
            Stream.runCollect(rows({ hostedWebsiteId, from: 0, to: Date.now() + 60_000 }))
          ).pipe(
            Effect.map((rows) => rows.map((row) => (row.type === "pageview" ? row.view.referrerHost : "an event"))),
            Effect.map((hosts) => ({ pageViews: hosts.length, referrers: hosts.filter((host) => host !== null) }))
          )
        const shop = "https://shop.example"
        const view = (site_id: string, origin: string | undefined, url = paths.track) =>
          send(
            url,
            { site_id, page_path: "/", referrer: `${shop}/before` },
            { headers: origin === undefined ? browser : { ...browser, origin } }
          )
        const any = yield* sites.create({ name: "Any", origins: [] })
        const named = yield* sites.create({ name: "Named", origins: ["https://www.shop.example"] })
        // A request with a query does not take the fast path.
        for (const url of [paths.track, `${paths.track}?`]) {
          for (const origin of [shop, "https://www.shop.example", "HTTP://SHOP.EXAMPLE:80"]) {
            assert.strictEqual((yield* view(any.trackingToken, origin, url)).status, 204)
          }
          assert.strictEqual((yield* view(named.trackingToken, undefined, url)).status, 204)
        }
        assert.deepStrictEqual(yield* referrersOf(any.hostedWebsiteId), { pageViews: 6, referrers: [] })
        assert.deepStrictEqual(yield* referrersOf(named.hostedWebsiteId), { pageViews: 2, referrers: [] })
        for (const origin of ["https://other.example", "null", undefined]) yield* view(any.trackingToken, origin)
        yield* view(any.trackingToken, shop)
        assert.deepStrictEqual(yield* referrersOf(any.hostedWebsiteId), {
          pageViews: 10,
          referrers: ["shop.example", "shop.example", "shop.example"]
        })
      })
    )

    it.effect("JSON is read with a beacon's content type and without one", () =>
      Effect.gen(function* () {
        const { send, trackingToken, url } = yield* TestServer
        const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
        for (const type of ["text/plain", "text/plain;charset=UTF-8"]) {
          assert.strictEqual((yield* send(paths.track, body, { headers: { "content-type": type } })).status, 204, type)
        }
        const untyped = yield* Effect.promise(() =>
          fetch(url + paths.track, { method: "POST", body: new TextEncoder().encode(body) })
        )
        assert.strictEqual(untyped.status, 204)
        const html = yield* send(paths.track, body, { headers: { "content-type": "text/html" } })
        assert.strictEqual(html.status, 422)
      })
    )

    it.effect("an id that is not a tracking token is unknown, even a website_config_id", () =>
      Effect.gen(function* () {
        const { send, websiteConfigId } = yield* TestServer
        for (const site_id of [websiteConfigId, "72771e6a-6f5e-4de4-a5b9-1266c4197811"]) {
          const answer = yield* send(paths.track, { site_id, page_path: "/" })
          assert.strictEqual(answer.status, 404)
          assert.isString(detailOf(answer.json))
        }
      })
    )

    it.effect("a token may have any spelling of a UUID", () =>
      Effect.gen(function* () {
        const { send, trackingToken } = yield* TestServer
        for (const site_id of [trackingToken.toUpperCase(), trackingToken.replaceAll("-", ""), `{${trackingToken}}`]) {
          assert.strictEqual((yield* send(paths.track, { site_id, page_path: "/" })).status, 204, site_id)
        }
      })
    )
  })

  describe("submissions", () => {
    it.effect("one is stored as it was sent", () =>
      Effect.gen(function* () {
        const { send, websiteConfigId } = yield* TestServer
        const formData = String.raw`{"z":1e400,"__proto__":{"a":"\u0000\ud800"},"n":12345678901234567890,"z":-0.0}`
        const body = `{"site_id":"${websiteConfigId}","form_data": ${formData},"email":"é😀","page_slug":""}`
        const answer = yield* send(paths.submit, body)
        assert.strictEqual(answer.status, 200)
        const { status, submission_id } = answer.json as { status: string; submission_id: string }
        assert.strictEqual(status, "received")
        assert.match(submission_id, uuid)
        const stored = (yield* submissions(websiteConfigId)).find((one) => one.submissionId === submission_id)
        assert.strictEqual(stored?.formData, formData)
        assert.strictEqual(stored?.email, "é😀")
        assert.strictEqual(stored?.pageSlug, "")
      })
    )

    it.effect("an id that is not a website_config_id is unknown, even a tracking token", () =>
      Effect.gen(function* () {
        const { send, trackingToken } = yield* TestServer
        for (const site_id of [trackingToken, "72771e6a-6f5e-4de4-a5b9-1266c4197811"]) {
          assert.strictEqual((yield* send(paths.submit, { site_id, form_data: {} })).status, 404)
        }
      })
    )

    it.effect("a repeated Idempotency-Key gets the first response and stores nothing", () =>
      Effect.gen(function* () {
        const { send, websiteConfigId } = yield* TestServer
        const headers = { "idempotency-key": "key 1" }
        const body = { site_id: websiteConfigId, form_data: { once: true } }
        const first = yield* send(paths.submit, body, { headers })
        const before = (yield* submissions(websiteConfigId)).length
        const second = yield* send(paths.submit, JSON.stringify(body, null, 2), { headers })
        assert.deepStrictEqual(second.json, first.json)
        assert.strictEqual((yield* submissions(websiteConfigId)).length, before)
        const other = yield* send(paths.submit, { ...body, form_data: { once: false } }, { headers })
        assert.strictEqual(other.status, 422)
        assert.include(other.text, "idempotency-key")
        assert.strictEqual((yield* submissions(websiteConfigId)).length, before)
      })
    )

    it.effect("an invalid Idempotency-Key is listed with the faults of the body", () =>
      Effect.gen(function* () {
        const { send, websiteConfigId } = yield* TestServer
        const headers = { "idempotency-key": "x".repeat(256) }
        const answer = yield* send(paths.submit, { site_id: websiteConfigId, form_data: 1 }, { headers })
        assert.strictEqual(answer.status, 422)
        assert.deepStrictEqual(
          (detailOf(answer.json) as ReadonlyArray<{ readonly loc: unknown }>).map(({ loc }) => loc),
          [
            ["body", "form_data"],
            ["header", "idempotency-key"]
          ]
        )
      })
    )

    it.effect("form data nested too deeply and invalid UTF-8 are refused", () =>
      Effect.gen(function* () {
        const { send, url, websiteConfigId } = yield* TestServer
        const nested = (depth: number) =>
          `{"site_id":"${websiteConfigId}","form_data":{"a":${"[".repeat(depth)}${"]".repeat(depth)}}}`
        assert.strictEqual((yield* send(paths.submit, nested(99))).status, 200)
        for (const depth of [100, 100_000]) {
          const answer = yield* send(paths.submit, nested(depth))
          assert.strictEqual(answer.status, 422)
          assert.isBelow(answer.text.length, 500)
        }
        const bytes = Buffer.concat([Buffer.from('{"site_id":"'), Buffer.from([0xff]), Buffer.from('"}')])
        const answer = yield* Effect.promise(() => fetch(url + paths.submit, { method: "POST", body: bytes }))
        assert.strictEqual(answer.status, 422)
      })
    )
  })

  describe("chat", () => {
    it.effect("streams the agent's answer", () =>
      Effect.gen(function* () {
        const { instance, send, widgetToken } = yield* TestServer
        const headers = { "x-widget-token": widgetToken }
        const answer = yield* send(paths.chat(instance.instanceId), { message: "hi" }, { headers })
        assert.strictEqual(answer.status, 200)
        assert.strictEqual(answer.headers.get("content-type"), "text/event-stream")
        assert.strictEqual(answer.headers.get("cache-control"), "no-cache, no-transform")
        assert.strictEqual(answer.headers.get("x-accel-buffering"), "no")
        assert.strictEqual(answer.headers.get("x-vercel-ai-ui-message-stream"), "v1")
        assert.notInclude(answer.text, "\r")
        const data = answer.text.split("\n\n").filter((frame) => frame.startsWith("data: "))
        assert.strictEqual(data.at(-1), "data: [DONE]")
        const frames = data.slice(0, -1).map((frame) => JSON.parse(frame.slice(6)) as Record<string, unknown>)
        assert.deepStrictEqual(
          frames.map(({ type }) => type),
          ["start", "text-start", "text-delta", "text-delta", "text-end", "finish"]
        )
        const { conversation_id } = frames[0]!["messageMetadata"] as { conversation_id: string }
        assert.match(conversation_id, uuid)
      })
    )

    it.effect("continues the given conversation, and starts one for an empty id", () =>
      Effect.gen(function* () {
        const { instance, send, widgetToken } = yield* TestServer
        const headers = { "x-widget-token": widgetToken }
        const ask = (conversation_id: string) =>
          send(paths.chat(instance.instanceId), { message: "hi", conversation_id }, { headers })
        assert.include((yield* ask("c:1")).text, '"messageMetadata":{"conversation_id":"c:1","memory":false}')
        assert.notInclude((yield* ask("")).text, '"conversation_id":""')
      })
    )

    it.effect("gives every unauthorized request the same response", () =>
      Effect.gen(function* () {
        const { instance, send, widgetToken } = yield* TestServer
        const tokens = yield* WidgetTokens
        const unknown = "72771e6a-6f5e-4de4-a5b9-1266c4197811"
        const revoked = Option.getOrThrow(
          yield* tokens.issue({ instanceId: instance.instanceId, label: null, expiresAt: null })
        )
        yield* tokens.revoke(revoked.tokenId)
        const expired = Option.getOrThrow(
          yield* tokens.issue({ instanceId: instance.instanceId, label: null, expiresAt: 1 })
        )
        const attempts: ReadonlyArray<readonly [string, string | undefined]> = [
          [instance.instanceId, undefined],
          [instance.instanceId, ""],
          [instance.instanceId, "hwt_wrong"],
          [instance.instanceId, `hwt_${"A".repeat(43)}`],
          [instance.instanceId, revoked.token],
          [instance.instanceId, expired.token],
          [unknown, widgetToken],
          [unknown, undefined]
        ]
        const answers = new Set<string>()
        for (const [instanceId, token] of attempts) {
          const headers = token === undefined ? {} : { "x-widget-token": token }
          const answer = yield* send(paths.chat(instanceId), { message: "hi" }, { headers })
          assert.strictEqual(answer.status, 401)
          answers.add(answer.text)
        }
        assert.strictEqual(answers.size, 1)
      })
    )

    it.effect("lists the faults of the path and the body together, but does not parse a large body", () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        const located = (answer: { readonly json: unknown }) =>
          (detailOf(answer.json) as ReadonlyArray<{ readonly loc: unknown }>).map(({ loc }) => loc)
        const body = { message: 1, conversation_id: 2 }
        const answer = yield* send(paths.chat("x"), body)
        assert.strictEqual(answer.status, 422)
        assert.deepStrictEqual(located(answer), [
          ["path", "instance_id"],
          ["body", "message"],
          ["body", "conversation_id"]
        ])
        const large = yield* send(paths.chat("x"), { ...body, more: "x".repeat(20_000) })
        assert.strictEqual(large.status, 422)
        assert.deepStrictEqual(located(large), [["path", "instance_id"]])
        const long = yield* send(paths.chat("a".repeat(4000)), { message: "hi" })
        assert.strictEqual(long.status, 422)
        assert.isBelow(long.text.length, 1000)
      })
    )
  })

  describe("everything else", () => {
    it.effect("an unknown path is 404, a wrong method 405 with Allow, both with a sentence", () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        for (const path of [
          "/",
          "/v1",
          `${paths.track}/`,
          paths.track.toUpperCase(),
          "//v1/public/analytics/track",
          "/%zz"
        ]) {
          const answer = yield* send(path, {})
          assert.strictEqual(answer.status, 404, path)
          assert.isString(detailOf(answer.json))
        }
        for (const method of ["GET", "PUT", "DELETE", "PATCH", "HEAD"]) {
          const answer = yield* send(paths.submit, undefined, { method })
          assert.strictEqual(answer.status, 405, method)
          assert.strictEqual(answer.headers.get("allow"), "POST, OPTIONS")
          if (method !== "HEAD") assert.isString(detailOf(answer.json))
        }
        assert.strictEqual((yield* send("/healthz", {})).headers.get("allow"), "GET, HEAD, OPTIONS")
      })
    )

    it.effect("a body over the limit is 413, one below it is not, and 8,000 escaped characters fit", () =>
      Effect.gen(function* () {
        const { instance, send, url, widgetToken } = yield* TestServer
        const headers = { "x-widget-token": widgetToken }
        const escaped = `{"message":"${"\\ud83d\\ude00".repeat(8000)}"}`
        assert.strictEqual((yield* send(paths.chat(instance.instanceId), escaped, { headers })).status, 200)
        const large = yield* send(paths.track, " ".repeat(256 * 1024 + 1))
        assert.strictEqual(large.status, 413)
        assert.isString(detailOf(large.json))
        // Chunked: without a Content-Length.
        const chunked = yield* Effect.promise(() =>
          fetch(url + paths.track, {
            method: "POST",
            body: new ReadableStream({
              pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)),
              cancel: () => {}
            }),
            duplex: "half"
          }).catch(() => undefined)
        )
        if (chunked !== undefined) assert.strictEqual(chunked.status, 413)
      })
    )

    it.effect("any origin may call and read the exposed headers, on errors too", () =>
      Effect.gen(function* () {
        const { send, trackingToken } = yield* TestServer
        const origin = { origin: "https://shop.example" }
        for (const [path, body, status] of [
          [paths.track, { site_id: trackingToken, page_path: "/" }, 204],
          [paths.track, {}, 422],
          [paths.submit, { site_id: trackingToken, form_data: {} }, 404],
          ["/nope", {}, 404]
        ] as const) {
          const answer = yield* send(path, body, { headers: origin })
          assert.strictEqual(answer.status, status)
          assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
          const exposed = answer.headers.get("access-control-expose-headers")?.toLowerCase() ?? ""
          for (const name of ["ratelimit", "ratelimit-policy", "retry-after", "x-should-retry"]) {
            assert.include(exposed.split(","), name)
          }
        }
        const clients = ["/v1/public/widget/x/openai/v1/chat/completions", "/v1/public/widget/x/ag-ui"]
        for (const path of [paths.track, paths.submit, paths.chat("x"), ...clients]) {
          const preflight = yield* send(path, undefined, {
            method: "OPTIONS",
            headers: {
              ...origin,
              "access-control-request-method": "POST",
              "access-control-request-headers": "content-type,x-widget-token,idempotency-key"
            }
          })
          assert.strictEqual(preflight.status, 204)
          assert.strictEqual(preflight.headers.get("access-control-max-age"), "86400")
          assert.include(preflight.headers.get("access-control-allow-methods") ?? "", "POST")
          assert.strictEqual(preflight.headers.get("access-control-allow-headers"), allowedHeaders)
        }
      })
    )

    it.effect("a preflight response is the same for every request", () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        for (const requested of ["traceparent", `x-${"a".repeat(9000)}`, undefined]) {
          const { headers, status } = yield* send(paths.track, undefined, {
            method: "OPTIONS",
            headers: {
              "access-control-request-method": "POST",
              ...(requested === undefined ? {} : { "access-control-request-headers": requested })
            }
          })
          assert.strictEqual(status, 204)
          assert.strictEqual(headers.get("access-control-allow-headers"), allowedHeaders)
          assert.isNull(headers.get("vary"))
        }
      })
    )

    it.effect("paths match only as published", () =>
      Effect.gen(function* () {
        const { instance, send, trackingToken } = yield* TestServer
        const view = { site_id: trackingToken, page_path: "/" }
        for (const path of [
          `${paths.track};x=1`,
          `${paths.track}/`,
          `${paths.track}%20`,
          `${paths.track}%3Fa`,
          paths.track.replace("track", "%74rack"),
          paths.track.replace("track", "Track"),
          paths.track.replace("public", "/public"),
          paths.track.replace("public/", "public%2F"),
          `${paths.chat(instance.instanceId)};x=1`
        ]) {
          const answer = yield* send(path, view)
          assert.strictEqual(answer.status, 404, path)
          assert.include(String(detailOf(answer.json)), "nothing at this address")
          assert.strictEqual(answer.headers.get("access-control-allow-origin"), "*")
        }
        assert.strictEqual((yield* send("/%68ealthz", undefined, { method: "GET" })).status, 404)
        assert.strictEqual((yield* send("/healthz;x=1", undefined, { method: "GET" })).status, 404)
        assert.strictEqual((yield* send(`${paths.track}?x=%74;1#`, view)).status, 204)
        // A parameter may be escaped.
        const escaped = instance.instanceId.replaceAll("-", "%2D")
        assert.strictEqual((yield* send(paths.chat(escaped), { message: "a" })).status, 401)
      })
    )

    it.effect("lives and is ready", () =>
      Effect.gen(function* () {
        const { send } = yield* TestServer
        for (const path of ["/healthz", "/readyz"]) {
          assert.strictEqual((yield* send(path, undefined, { method: "GET" })).status, 200)
          assert.strictEqual((yield* send(path, undefined, { method: "HEAD" })).status, 200)
        }
      })
    )
  })
}

for (const [name, storage] of storages) {
  layer(testServer({}, undefined, undefined, storage({})), { excludeTestServices: true })(`http ${name}`, suite)
}

const away = Effect.fail(new StorageUnavailable({ reason: "unreachable" }))

layer(
  testServer({}, undefined, (storage) =>
    Layer.mergeAll(
      Layer.succeed(AnalyticsRepo, AnalyticsRepo.of({ append: () => away })),
      Layer.succeed(
        SubmissionRepo,
        SubmissionRepo.of({
          submit: () => away,
          stream: () => Stream.fromEffect(away),
          release: () => away,
          delete: () => away
        })
      )
    ).pipe(Layer.provideMerge(storage))
  ),
  { excludeTestServices: true }
)("http, while the store is unavailable", (it) => {
  it.effect("answers 503 with Retry-After", () =>
    Effect.gen(function* () {
      const { send, trackingToken, websiteConfigId } = yield* TestServer
      for (const answer of [
        yield* send(paths.track, { site_id: trackingToken, page_path: "/" }),
        yield* send(paths.submit, { site_id: websiteConfigId, form_data: {} })
      ]) {
        assert.strictEqual(answer.status, 503)
        assert.isAbove(Number(answer.headers.get("retry-after")), 0)
        assert.isString(detailOf(answer.json))
      }
    })
  )
})

layer(
  testServer({}, undefined, (storage) =>
    Layer.succeed(AnalyticsRepo, AnalyticsRepo.of({ append: () => Effect.die(new Error("secret words")) })).pipe(
      Layer.provideMerge(storage)
    )
  ),
  { excludeTestServices: true }
)("http, with a defect", (it) => {
  it.effect("answers 500 without details", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      const answer = yield* send(paths.track, { site_id: trackingToken, page_path: "/" })
      assert.strictEqual(answer.status, 500)
      assert.strictEqual(answer.text, '{"detail":"Internal Server Error"}')
      assert.match(answer.headers.get("x-error-id") ?? "", uuid)
      assert.notInclude(JSON.stringify([...answer.headers]), "secret")
    })
  )
})
