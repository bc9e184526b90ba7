/**
 * Keys, their rate limit, and what a browser may not do with the owner API.
 */
import { randomBytes } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Latch, Layer, Option, Queue } from "effect"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { maxLookups, maxWaiting } from "../../../src/sites/access/CallerLimits.ts"
import { format, OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

const path = "/v1/owner/sites"

const newKey = (expiresAt: number | null = null) =>
  OwnerKeys.use((keys) => keys.issue({ scope: "stats", sites: "all", label: null, expiresAt })).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.orDie
  )

layer(testServer(), { excludeTestServices: true })("the owner API's authentication", (it) => {
  it.effect("a request without a valid key gets a 401 before it is validated", () =>
    Effect.gen(function* () {
      const { url, widgetToken } = yield* TestServer
      const { key } = yield* newKey()
      const expired = yield* newKey((yield* Clock.currentTimeMillis) - 1)
      const texts = new Set<string>()
      for (const headers of [
        {},
        { authorization: "" },
        { authorization: "Bearer" },
        { authorization: `Basic ${Buffer.from(`key:${key}`).toString("base64")}` },
        { authorization: key },
        { authorization: `Bearer ${widgetToken}` },
        { authorization: `Bearer ${format(randomBytes(32))}` },
        { authorization: `Bearer ${key}x` },
        { authorization: `Bearer ${expired.key}` },
        { cookie: `key=${key}`, "x-api-key": key }
      ]) {
        for (const request of [{}, { body: "{" }]) {
          const target = "body" in request ? "/v1/owner/query" : path
          const answer = yield* send(url, target, { ...request, init: { headers } })
          assert.strictEqual(answer.status, 401, JSON.stringify(headers))
          assert.strictEqual(answer.headers.get("www-authenticate"), "Bearer")
          texts.add(answer.text)
        }
      }
      // The answer does not tell why a key is not valid.
      assert.strictEqual(texts.size, 1)
      assert.strictEqual((yield* send(url, path, { key })).status, 200)
      assert.strictEqual((yield* send(url, `${path}?key=${key}`)).status, 401)
    })
  )

  it.effect("there is no CORS, responses may not be cached, and an unsupported method gets a 405", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { key } = yield* newKey()
      const origin = { origin: "https://evil.example", "access-control-request-method": "GET" }
      const answers = [
        yield* send(url, path, { key, init: { headers: origin } }),
        yield* send(url, path, { init: { headers: origin } }),
        yield* send(url, path, { init: { method: "OPTIONS", headers: origin } }),
        yield* send(url, path, { key, init: { method: "DELETE", headers: origin } }),
        yield* send(url, "/v1/owner/nothing", { key, init: { headers: origin } })
      ]
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 401, 405, 405, 404]
      )
      for (const { headers } of answers) {
        assert.deepStrictEqual(
          [...headers.keys()].filter((name) => name.startsWith("access-control")),
          []
        )
      }
      assert.strictEqual(answers[2]?.headers.get("allow"), "GET, POST, HEAD")
      for (const answer of answers.slice(0, 2)) {
        assert.strictEqual(answer.headers.get("cache-control"), "no-store")
        assert.strictEqual(answer.headers.get("cross-origin-resource-policy"), "same-origin")
        assert.strictEqual(answer.headers.get("x-content-type-options"), "nosniff")
      }
      const head = yield* send(url, path, { key, init: { method: "HEAD" } })
      assert.deepStrictEqual([head.status, head.text], [200, ""])
      // The public API still allows any origin.
      const open = yield* send(url, "/v1/public/analytics/track", { init: { method: "OPTIONS", headers: origin } })
      assert.strictEqual(open.headers.get("access-control-allow-origin"), "*")
    })
  )
})

layer(testServer({ ownerApi: false }), { excludeTestServices: true })("without OWNER_API", (it) => {
  it.effect("the public port does not have the owner API", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { key } = yield* newKey()
      for (const method of ["GET", "POST", "OPTIONS"]) {
        assert.strictEqual((yield* send(url, path, { key, init: { method } })).status, 404, method)
      }
    })
  )
})

layer(testServer({ rateLimitOwner: Option.some({ name: "owner", limit: 3, windowMillis: 60_000 }) }), {
  excludeTestServices: true
})("the owner API's rate limit", (it) => {
  it.effect("counts each key separately, and returns the remaining number of requests", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const [one, other] = [yield* newKey(), yield* newKey()]
      const answers = []
      for (let index = 0; index < 4; index++) answers.push(yield* send(url, path, { key: one.key }))
      assert.deepStrictEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 429]
      )
      assert.match(answers[0]?.headers.get("ratelimit") ?? "", /^"owner";r=2;t=\d+$/)
      assert.strictEqual(answers[0]?.headers.get("ratelimit-policy"), '"owner";q=3;w=60')
      assert.match(answers[3]?.headers.get("ratelimit") ?? "", /^"owner";r=0;t=\d+$/)
      assert.match(answers[3]?.headers.get("retry-after") ?? "", /^\d+$/)
      assert.strictEqual((yield* send(url, path, { key: other.key })).status, 200)
    })
  )

  it.effect("refuses wrong keys by address, and never a valid key or session because of them", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const [used, unused, cookie] = [yield* newKey(), yield* newKey(), yield* newCookie("viewer", "all")]
      assert.strictEqual((yield* send(url, path, { key: used.key })).status, 200)
      const wrong = Effect.suspend(() => send(url, path, { key: format(randomBytes(32)) }))
      const statuses = []
      for (let index = 0; index < 5; index++) statuses.push((yield* wrong).status)
      assert.deepStrictEqual(statuses, [401, 401, 401, 429, 429])
      assert.match((yield* wrong).headers.get("retry-after") ?? "", /^\d+$/)
      for (const secret of [{ key: used.key }, { key: unused.key }, { cookie }]) {
        assert.strictEqual((yield* send(url, path, secret)).status, 200)
      }
      assert.strictEqual((yield* send(url, path, { key: "malformed" })).status, 429)
    })
  )
})

/** Lookups of unknown keys wait until the gate opens. */
const lookups = { gate: Latch.makeUnsafe(false), running: 0 }

const slowForUnknownKeys = Layer.effect(
  OwnerKeys,
  Effect.map(OwnerKeys, (keys) => ({
    ...keys,
    authenticate: (key) =>
      Effect.tap(keys.authenticate(key), (found) =>
        Option.isSome(found)
          ? Effect.void
          : Effect.acquireUseRelease(
              Effect.sync(() => lookups.running++),
              () => lookups.gate.await,
              () => Effect.sync(() => lookups.running--)
            )
      )
  }))
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(slowForUnknownKeys, storage)),
  { excludeTestServices: true }
)("many wrong keys of one address at once", (it) => {
  it.effect("20 are looked up at once and 100 wait; a key that was valid before does not wait", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { key } = yield* newKey()
      assert.strictEqual((yield* send(url, path, { key })).status, 200)

      const statuses = yield* Queue.unbounded<number>()
      yield* Effect.forEach(
        Array.from({ length: maxLookups + maxWaiting + 5 }),
        () =>
          Effect.flatMap(send(url, path, { key: format(randomBytes(32)) }), ({ status }) =>
            Queue.offer(statuses, status)
          ),
        { concurrency: "unbounded", discard: true }
      ).pipe(Effect.forkChild)
      assert.deepStrictEqual(yield* Queue.takeN(statuses, 5), [503, 503, 503, 503, 503])
      // A refusal may overtake a look-up that has begun.
      yield* until("the look-ups run", () => lookups.running >= maxLookups)
      assert.strictEqual(lookups.running, maxLookups)
      assert.strictEqual((yield* send(url, path, { key })).status, 200)

      yield* lookups.gate.open
      const others = yield* Queue.takeN(statuses, maxLookups + maxWaiting)
      assert.deepStrictEqual([...new Set(others)], [401])
    })
  )
})

/** A store of keys that cannot be reached. */
const unreachable = Layer.effect(
  OwnerKeys,
  Effect.map(OwnerKeys, (keys) => ({
    ...keys,
    authenticate: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }))
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(unreachable, storage)),
  { excludeTestServices: true }
)("the owner API without its database", (it) => {
  it.effect("answers 503 with Retry-After, and not 401", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { key } = yield* newKey()
      const answer = yield* send(url, path, { key })
      assert.deepStrictEqual([answer.status, answer.headers.get("retry-after")], [503, "5"])
    })
  )
})
