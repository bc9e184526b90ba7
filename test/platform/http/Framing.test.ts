/**
 * A body with a length and a chunked body get the same response, from the fast path too, which a chunked body does not take. So each
 * request is sent with and without a `Content-Length`.
 */
import { request as send } from "node:http"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { IpNetwork } from "effect/net"
import { post, stableParts, stableRepeatedParts } from "../../support/Framing.ts"
import * as TestServer from "../../support/TestServer.ts"

const ContentType = Schema.Literals([
  "",
  "application/json",
  "text/plain;charset=UTF-8",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "text/html"
])

const Headers = Schema.Struct({
  "content-type": ContentType,
  accept: Schema.optionalKey(Schema.Literals(["text/html", "*/*"])),
  origin: Schema.optionalKey(Schema.Literals(["https://example.org", "null"])),
  "sec-fetch-site": Schema.optionalKey(Schema.Literals(["cross-site", "same-origin"])),
  "user-agent": Schema.optionalKey(Schema.Literals(["", "curl/8.0", "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0"])),
  "idempotency-key": Schema.optionalKey(Schema.Literals(["k", "x".repeat(256)])),
  "x-forwarded-for": Schema.optionalKey(Schema.Literals(["198.51.100.7", "2001:db8::1, 10.0.0.1", "nobody"]))
})

/** The body of a chat: a string is sent unchanged, anything else as JSON. */
const Message = Schema.Union([
  Schema.Struct({
    message: Schema.Union([Schema.String, Schema.Json]),
    conversation_id: Schema.optionalKey(Schema.Union([Schema.String, Schema.Json]))
  }),
  // The body of `useChat`.
  Schema.Struct({
    id: Schema.String,
    messages: Schema.Array(
      Schema.Union([
        Schema.Struct({
          role: Schema.Literals(["user", "assistant", "system"]),
          parts: Schema.Array(Schema.Struct({ type: Schema.Literals(["text", "file"]), text: Schema.Json }))
        }),
        Schema.Json
      ])
    ),
    trigger: Schema.optionalKey(Schema.Literals(["submit-message", "regenerate-message"]))
  }),
  Schema.Json,
  Schema.String
])

/** The body of any other request, with `SITE` as a placeholder for the website's id. A string is sent unchanged. */
const Body = Schema.Union([
  Schema.Struct({
    site_id: Schema.Union([
      Schema.Literals(["SITE", "72771e6a-6f5e-4de4-a5b9-1266c4197811", "no id", "é😀"]),
      Schema.Json
    ]),
    page_path: Schema.optionalKey(Schema.Union([Schema.String, Schema.Json])),
    form_data: Schema.optionalKey(Schema.Union([Schema.Record(Schema.String, Schema.Json), Schema.Json])),
    screen_width: Schema.optionalKey(Schema.Json),
    name: Schema.optionalKey(Schema.Union([Schema.Literals(["Signup"]), Schema.Json])),
    properties: Schema.optionalKey(Schema.Union([Schema.Record(Schema.String, Schema.Finite), Schema.Json])),
    email: Schema.optionalKey(Schema.NullOr(Schema.String))
  }),
  Schema.Json,
  Schema.String
])

const encode = (body: Schema.Json): string => (typeof body === "string" ? body : JSON.stringify(body))

const trustedProxies = [IpNetwork.fromStringUnsafe("127.0.0.0/8"), IpNetwork.fromStringUnsafe("10.0.0.0/8")]

layer(TestServer.layer({ trustedProxies, maxBody: 4096 }), { excludeTestServices: true })(
  "platform/http: bodies with a length and chunked bodies",
  (it) => {
    for (const kind of ["track", "view", "event", "submit"] as const) {
      it.effect.prop(
        `${kind} gives the same response to both`,
        [Body, Headers],
        ([body, { "content-type": type, ...headers }]) =>
          Effect.gen(function* () {
            const server = yield* TestServer.TestServer
            const id = kind === "submit" ? server.websiteConfigId : server.trackingToken
            const text = encode(body).replaceAll("SITE", id)
            const typed = type === "" ? headers : { ...headers, "content-type": type }
            const [withLength, chunked] = yield* Effect.forEach(["length", "chunked"] as const, (way) =>
              post(server.url + TestServer.paths[kind], way, text, typed)
            )
            assert.deepStrictEqual(stableRepeatedParts(withLength!, [id]), stableRepeatedParts(chunked!, [id]))
          }),
        { arbitrary: { runs: 80 } }
      )
    }

    for (const [kind, expected] of [
      ["track", 204],
      ["view", 204],
      ["event", 204],
      ["submit", 200]
    ] as const) {
      it.effect(`a stored record is answered alike (${kind})`, () =>
        Effect.gen(function* () {
          const server = yield* TestServer.TestServer
          const id = kind === "submit" ? server.websiteConfigId : server.trackingToken
          const body = JSON.stringify({ site_id: id, name: "Signup", page_path: "/", form_data: { name: "Ada" } })
          const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0" }
          const [withLength, chunked] = yield* Effect.forEach(["length", "chunked"] as const, (way, index) =>
            post(server.url + TestServer.paths[kind], way, body, {
              ...headers,
              "x-forwarded-for": `203.0.113.${index}`
            })
          )
          assert.deepStrictEqual([withLength!.status, chunked!.status], [expected, expected])
          assert.deepStrictEqual(stableParts(withLength!, []), stableParts(chunked!, []))
        })
      )
    }

    for (const ways of [
      ["length", "chunked"],
      ["chunked", "length"]
    ] as const) {
      it.effect(`a submission sent again with its key is reported as repeated (${ways.join(", then ")})`, () =>
        Effect.gen(function* () {
          const { url, websiteConfigId } = yield* TestServer.TestServer
          const body = JSON.stringify({ site_id: websiteConfigId, page_path: "/", form_data: { name: "Grace" } })
          const headers = { "idempotency-key": ways.join() }
          const answers = yield* Effect.forEach(ways, (way) => post(url + TestServer.paths.submit, way, body, headers))
          assert.deepStrictEqual(
            answers.map((answer) => [answer.status, answer.headers["x-hydracore-decision"]]),
            [
              [200, "counted"],
              [200, "repeated"]
            ]
          )
          assert.strictEqual(answers[0]!.text, answers[1]!.text)
        })
      )
    }

    it.effect.prop(
      "a chat gives the same response to both, to its last frame",
      [Message, Headers, Schema.Literals(["right", "wrong", "none"])],
      ([body, { "content-type": type, ...headers }, token]) =>
        Effect.gen(function* () {
          const { instance, url, widgetToken } = yield* TestServer.TestServer
          const tokenHeader =
            token === "none" ? {} : { "x-widget-token": token === "right" ? widgetToken : "hwt_wrong" }
          const typed = type === "" ? headers : { ...headers, "content-type": type }
          const [withLength, chunked] = yield* Effect.forEach(["length", "chunked"] as const, (way) =>
            post(url + TestServer.paths.chat(instance.instance_id), way, encode(body), { ...typed, ...tokenHeader })
          )
          assert.deepStrictEqual(stableParts(withLength!, []), stableParts(chunked!, []))
        }),
      { arbitrary: { runs: 80 } }
    )

    it.effect("a chat accepts a path with a query, and an instance id that is not a canonical UUID", () =>
      Effect.gen(function* () {
        const { instance, url, widgetToken } = yield* TestServer.TestServer
        const chat = (id: string, query = "") =>
          post(`${url}${TestServer.paths.chat(id)}${query}`, "length", `{"message":"Hi"}`, {
            "x-widget-token": widgetToken
          })
        const { instance_id: instanceId } = instance
        const answers = [chat(instanceId.toUpperCase()), chat(instanceId, "?a=1"), chat("none"), chat("a/b")]
        const statuses = yield* Effect.forEach(
          answers,
          Effect.map(({ status }) => status)
        )
        assert.deepStrictEqual(statuses, [200, 200, 422, 404])
      })
    )

    it.effect("a body that is too long is refused", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        for (const way of ["length", "chunked"] as const) {
          const answer = yield* post(url + TestServer.paths.track, way, "x".repeat(5000), {})
          assert.strictEqual(answer.status, 413)
        }
      })
    )

    it.effect("a body that arrives in pieces is reassembled", () =>
      Effect.gen(function* () {
        const { trackingToken, url } = yield* TestServer.TestServer
        const status = yield* Effect.promise(
          () =>
            new Promise<number>((resolve, reject) => {
              const body = Buffer.from(JSON.stringify({ site_id: trackingToken, page_path: "/é" }))
              const sent = send(
                url + TestServer.paths.track,
                { method: "POST", agent: false, headers: { "content-length": String(body.length) } },
                (response) => resolve(response.resume().statusCode ?? 0)
              )
              sent.on("error", reject)
              // One byte at a time, each after the previous one is sent: this splits the é.
              const step = (index: number): void =>
                index === body.length
                  ? void sent.end()
                  : void sent.write(body.subarray(index, index + 1), () => step(index + 1))
              step(0)
            })
        )
        assert.strictEqual(status, 204)
      })
    )
  }
)
