/** Paths, methods, CORS and the limit of a body over a real socket, on either storage. */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { detailOf } from "../support/ResponseParts.ts"
import { type Storage, storages } from "../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

const allowedHeaders =
  "*, Authorization, Content-Type, Idempotency-Key, X-Widget-Token, X-HydraCore-Leads, X-HydraCore-Session"

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("an unknown path gets a 404, and a wrong method a 405 with Allow, both with a detail", () =>
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

  it.effect("a body over the limit gets a 413, and a message of 8,000 escaped characters is within it", () =>
    Effect.gen(function* () {
      const { instance, send, url, widgetToken } = yield* TestServer
      const headers = { "x-widget-token": widgetToken }
      const escaped = `{"message":"${"\\ud83d\\ude00".repeat(8000)}"}`
      assert.strictEqual((yield* send(paths.chat(instance.instance_id), escaped, { headers })).status, 200)
      const large = yield* send(paths.track, " ".repeat(256 * 1024 + 1))
      assert.strictEqual(large.status, 413)
      assert.isString(detailOf(large.json))
      // Without a Content-Length. The server may reset the connection while the client still sends.
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
      const dialects = ["/v1/public/widget/x/openai/v1/chat/completions", "/v1/public/widget/x/ag-ui"]
      for (const path of [paths.track, paths.submit, paths.chat("x"), ...dialects]) {
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
        `${paths.chat(instance.instance_id)};x=1`
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
      const escaped = instance.instance_id.replaceAll("-", "%2D")
      assert.strictEqual((yield* send(paths.chat(escaped), { message: "a" })).status, 401)
    })
  )

  it.effect("/healthz and /readyz answer GET and HEAD with 200", () =>
    Effect.gen(function* () {
      const { send } = yield* TestServer
      for (const path of ["/healthz", "/readyz"]) {
        assert.strictEqual((yield* send(path, undefined, { method: "GET" })).status, 200)
        assert.strictEqual((yield* send(path, undefined, { method: "HEAD" })).status, 200)
      }
    })
  )
}

for (const [name, storage] of storages) {
  layer(testServer({}, undefined, undefined, storage({})), { excludeTestServices: true })(`http: routes ${name}`, suite)
}
