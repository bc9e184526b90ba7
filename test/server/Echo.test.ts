/**
 * Client text in responses and logs is bounded and escaped, and responses reveal no internals.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Logger, References, Schema } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import * as Telemetry from "../../src/platform/telemetry/Telemetry.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

/** The length of the longest run of a character. */
const longestRun = (text: string, character: string): number =>
  Math.max(0, ...Array.from(text.matchAll(new RegExp(`${character}+`, "g")), ([run]) => run.length))

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Requests that are invalid because of `text` in their path, a header or the body. */
const invalidRequests = (
  text: string,
  chat: string
): ReadonlyArray<readonly [string, unknown, Record<string, string>?]> => [
  [paths.track, { site_id: text, page_path: text.repeat(3), device_type: [text], screen_width: text }],
  [paths.track, { [text]: text, site_id: { [text]: text } }],
  [paths.track, text],
  [paths.track, `{"${text}`],
  [paths.track, `{"a": ${text}}`],
  [paths.submit, { site_id: `${text}-`, form_data: text, email: { [text]: 1 } }],
  [paths.submit, { site_id: `urn:uuid:${text}`, form_data: [text] }],
  [paths.submit, { form_data: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [text + at, text])) }],
  [paths.submit, { form_data: {} }, { "idempotency-key": text }],
  [`${paths.submit}?site=${text}`, `${text}=${text}`, formHeaders],
  [`${paths.submit}?site=x`, multipart(text), { ...formHeaders, "content-type": "multipart/form-data; boundary=b" }],
  [chat, { message: [text], conversation_id: { [text]: 1 } }, { "x-widget-token": text }],
  [paths.chat(text), { message: text }],
  [`/${text}`, text],
  [paths.track, text, { "content-type": `text/${text}` }]
]

const formHeaders = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" }
const multipart = (text: string) =>
  `--b\r\ncontent-disposition: form-data; name="${text}"; filename="${text}"\r\n\r\n${text}\r\n--b--\r\n`

layer(testServer(), { excludeTestServices: true })("http: client text in responses", (it) => {
  it.effect.prop(
    "a response holds at most 200 characters of a client's text in a row, and is bounded",
    { length: between(1, 2500), character: Schema.Literals(["Z", "f", "0"]) },
    ({ character, length }) =>
      Effect.gen(function* () {
        const { instance, send } = yield* TestServer
        const text = character.repeat(length)
        for (const [path, body, headers] of invalidRequests(text, paths.chat(instance.instance_id))) {
          const answer = yield* send(path, body, headers === undefined ? {} : { headers })
          assert.isAtLeast(answer.status, 400)
          assert.isBelow(answer.status, 500)
          assert.isAtMost(longestRun(answer.text, character), 200, `${path.slice(0, 60)} ${answer.text.slice(0, 300)}`)
          assert.isBelow(answer.text.length, 20_000)
          // No internals: no stack, query, file path or version.
          assert.notMatch(
            answer.text,
            /\bat .+:\d+:\d+|node_modules|\.ts\b|SELECT |INSERT |effect\b|\bv?\d+\.\d+\.\d+\b/i
          )
          assert.isNull(answer.headers.get("x-powered-by"))
          assert.isNull(answer.headers.get("server"))
        }
      }),
    { arbitrary: { runs: 12 } }
  )
})

const lines: Array<string> = []

/** Records log lines in the service's format. */
const recording = Layer.mergeAll(
  Logger.layer([
    Logger.make((entry) => {
      lines.push(Telemetry.formatJson.log(entry))
    })
  ]),
  Layer.succeed(References.MinimumLogLevel, "Trace")
)

const hostile = "a\u001b[2Jb\rc\u0007d\u009b31m\u007f\u2028"

layer(
  testServer({}, undefined, (storage) =>
    Layer.mock(AnalyticsRepo)({
      // A defect whose message quotes the request.
      append: ({ path, sessionId }) => Effect.die(new Error(`${path}\n${sessionId}`))
    }).pipe(Layer.provideMerge(storage))
  ).pipe(Layer.provideMerge(recording)),
  { excludeTestServices: true }
)("http: client text in the log", (it) => {
  it.effect("control characters of paths, user agents and ids are escaped, and each entry is one line", () =>
    Effect.gen(function* () {
      const { instance, send, trackingToken, widgetToken } = yield* TestServer
      const view = { site_id: trackingToken, page_path: `/${hostile}\nFAKE`, session_id: `${hostile}\u2028` }
      for (const answer of [
        yield* send(paths.track, view, { headers: { "user-agent": "Mozilla/5.0 \u0085 Firefox/143.0" } }),
        yield* send(paths.track, view, { headers: { "user-agent": "a\u009b31m" } })
      ]) {
        assert.strictEqual(answer.status, 500)
      }
      yield* send(`/${encodeURIComponent(hostile)}`, view)
      yield* send(paths.chat(encodeURIComponent(hostile)), { message: hostile })
      const headers = { "x-widget-token": widgetToken }
      yield* send(paths.chat(instance.instance_id), { message: hostile, conversation_id: hostile }, { headers })
      assert.isTrue(lines.some((line) => line.includes("A request failed with a defect")))
      for (const line of lines) {
        assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/)
        assert.isObject(JSON.parse(line))
      }
    })
  )
})
