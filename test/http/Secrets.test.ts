/**
 * No secret leaks: marked tokens, keys, addresses, form contents and messages are sent through every path, including the
 * failing ones. All output (the log at level Trace, OTLP exports, metrics, headers, bodies) is searched for them.
 */
import { randomBytes } from "node:crypto"
import { NodeHttpClient } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Cause, ConfigProvider, Duration, Effect, Layer, Logger, Option, Redacted, References } from "effect"
import { HttpServer } from "effect/http"
import { IpNetwork } from "effect/net"
import * as App from "../../src/App.ts"
import * as LiveAgent from "../../src/agent/AgentStream.ts"
import { Settings } from "../../src/Config.ts"
import * as Server from "../../src/http/server/Server.ts"
import * as Countries from "../../src/memory/analytics/Countries.ts"
import * as MemoryRateLimiter from "../../src/memory/limits/RateLimiter.ts"
import { AnalyticsRepo } from "../../src/services/analytics/AnalyticsRepo.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/services/chat/WidgetTokens.ts"
import { SubmissionRepo } from "../../src/services/forms/SubmissionRepo.ts"
import { RecordRefused, StorageUnavailable } from "../../src/services/Storage.ts"
import { OwnerKeys } from "../../src/services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import * as Otlp from "../../src/telemetry/Otlp.ts"
import { newCookie, newLink, ofPage } from "../support/OwnerRequests.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import type { Storage } from "../support/Storages.ts"
import * as TestCollector from "../support/TestCollector.ts"
import * as TestDeliveries from "../support/TestDeliveries.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { options, paths } from "../support/TestServer.ts"
import { finishes, says, sse, start } from "../support/TestUpstream.ts"

/** The secrets. Each is unique, so that a match is always a leak. */
const marks = {
  form: `form-${randomBytes(8).toString("hex")}`,
  email: `mail-${randomBytes(8).toString("hex")}`,
  message: `message-${randomBytes(8).toString("hex")}`,
  upstream: `upstream-${randomBytes(8).toString("hex")}`,
  key: `sk-${randomBytes(8).toString("hex")}`,
  idempotency: `idempotency-${randomBytes(8).toString("hex")}`,
  collector: `collector-${randomBytes(8).toString("hex")}`,
  baggage: `baggage-${randomBytes(8).toString("hex")}`,
  wrongToken: `hwt_${randomBytes(32).toString("base64url")}`,
  wrongCookie: `hcs_${randomBytes(32).toString("base64url")}`,
  wrongLink: `hcl_${randomBytes(32).toString("base64url")}`,
  wrongKey: `hok_${randomBytes(32).toString("base64url")}`,
  address: "198.51.100.77",
  address6: "2001:db8:77:77:77:77:77:77"
}

/** Records everything logged and exported, as text. `exported` is complete after the layer's scope closes. */
const recorder = Effect.gen(function* () {
  const collector = yield* TestCollector.start()
  const lines: Array<string> = []
  const logger = Logger.make((entry) => {
    // In the format of the service's logger and in others.
    lines.push(Logger.formatJson.log(entry), Logger.formatLogFmt.log(entry), Cause.pretty(entry.cause))
  })
  const exporter = Otlp.layer(
    {
      endpoint: collector.url,
      protocol: "http/json",
      headers: Redacted.make({ authorization: marks.collector }),
      serviceName: "test",
      resourceAttributes: {}
    },
    "0"
  )
  const layer = exporter.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Logger.layer([logger]),
        Layer.succeed(References.MinimumLogLevel, "Trace"),
        Layer.succeed(References.TracerEnabled, false)
      )
    )
  )
  return { lines, layer, collector, exported: () => collector.exports.map(({ body }) => body.toString("utf8")) }
})

/** An agent that echoes its request in every kind of failure. */
const upstream = start((received, response) => {
  const echo = `${marks.upstream} ${received.body} ${JSON.stringify(received.headers)}`
  const how = /"content":"(\w+)/.exec(received.body)?.[1]
  if (how === "error") return void response.writeHead(500, { "x-leak": marks.upstream }).end(echo)
  if (how === "html") return void response.writeHead(200, { "content-type": "text/html" }).end(echo)
  response.writeHead(200, sse)
  if (how === "garbage") return void response.end(`data: ${echo}\n\n`)
  if (how === "event") {
    return void response.end(`data: ${JSON.stringify({ error: { message: echo } })}\n\n`)
  }
  if (how === "cut") return void response.write(says("a"), () => response.destroy())
  response.end(says("Hello") + finishes("stop"))
})

interface Sent {
  readonly status: number
  readonly out: string
}

/** Sends every kind of request, and returns all output. */
const scenario = (storage: Layer.Layer<Storage>, spoil: Effect.Effect<void> = Effect.void) =>
  Effect.gen(function* () {
    const { collector, exported, layer: recording, lines } = yield* recorder
    const agent = yield* upstream
    const statuses = new Set<number>()
    const answers: Array<string> = []
    const metrics = TestMetrics.make()
    let secretToken = ""
    let secretKey = ""
    let secretCookie = ""
    let secretLink = ""
    yield* Effect.gen(function* () {
      const server = yield* HttpServer.HttpServer
      const url = HttpServer.formatAddress(server.address)
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "a", origins: ["https://own.example"] }))
      const instance = yield* InstanceDirectory.use((instances) =>
        instances.create({
          name: "a",
          agentUrl: agent.url,
          agentModel: null,
          agentKeyEnv: "AGENT_KEY",
          origins: ["https://own.example"]
        })
      )
      const { token } = Option.getOrThrow(
        yield* WidgetTokens.use((tokens) =>
          tokens.issue({ instanceId: instance.instanceId, label: null, expiresAt: null })
        )
      )
      secretToken = token
      const { key } = Option.getOrThrow(
        yield* OwnerKeys.use((keys) =>
          keys.issue({ scope: "write", sites: [site.websiteConfigId], label: null, expiresAt: null })
        )
      )
      secretKey = key
      const asOwner = { authorization: `Bearer ${key}` }
      const cookie = yield* newCookie("owner", [site.websiteConfigId])
      const { link } = yield* newLink("owner", "all")
      const session = "/v1/owner/session"
      const asPerson = { cookie: `hydracore_console=${cookie}`, ...ofPage }
      secretCookie = cookie
      secretLink = link
      const query = { site_id: site.websiteConfigId, metrics: ["visitors"], date_range: "7d" }
      const send = (path: string, body: unknown, headers: Record<string, string> = {}, method = "POST") =>
        Effect.promise(async (): Promise<Sent> => {
          const response = await fetch(url + path, {
            method,
            headers: {
              "content-type": "application/json",
              "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
              "x-forwarded-for": marks.address,
              traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
              tracestate: `vendor=${marks.baggage}`,
              baggage: `user=${marks.baggage}`,
              ...headers
            },
            ...(method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
          })
          const text = await response.text().catch(() => "")
          return { status: response.status, out: `${JSON.stringify([...response.headers])} ${text}` }
        })

      const form = { [marks.form]: marks.form, email: `${marks.email}@example.org` }
      const submission = { site_id: site.websiteConfigId, form_data: form, email: `${marks.email}@example.org` }
      const view = { site_id: site.trackingToken, page_path: "/" }
      const urlencoded = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" }
      const chat = (message: string, headers: Record<string, string> = {}) =>
        send(
          paths.chat(instance.instanceId),
          { message: `${message} ${marks.message}` },
          { "x-widget-token": token, ...headers }
        )
      const client = (path: string, body: unknown, headers: Record<string, string> = {}) =>
        send(
          `/v1/public/widget/${instance.instanceId}/${path}`,
          body,
          path === "ag-ui" ? { "x-widget-token": token, ...headers } : { authorization: `Bearer ${token}`, ...headers }
        )
      const turns = (how: string) => ({
        threadId: "thread",
        runId: "1",
        metadata: { conversation_id: marks.idempotency },
        messages: [{ role: "user", content: `${how} ${marks.message}` }]
      })
      const wrong = { "x-widget-token": marks.wrongToken, authorization: `Bearer ${marks.wrongToken}` }
      const all = Effect.gen(function* () {
        for (const sent of [
          send(paths.track, view),
          send(paths.track, view, { "x-forwarded-for": marks.address6 }),
          send(paths.track, view, { "user-agent": "curl/8" }),
          send(paths.track, view, { origin: "https://evil.example" }),
          send(paths.track, { ...view, page_path: 1, referrer: [marks.form] }),
          send(paths.submit, submission),
          send(paths.submit, { ...submission, form_data: { ...form, hydracore_hp: marks.form } }),
          send(paths.submit, submission, { "idempotency-key": marks.idempotency }),
          send(paths.submit, { ...submission, form_data: { a: marks.form } }, { "idempotency-key": marks.idempotency }),
          send(paths.submit, submission, { "idempotency-key": `${marks.idempotency}é` }),
          send(paths.submit, submission, { origin: "https://evil.example" }),
          send(paths.submit, { ...submission, site_id: token }),
          send(paths.submit, { ...submission, email: [marks.email], form_data: marks.form }),
          send(paths.submit, { ...submission, email: `${marks.email}\0` }),
          send(paths.submit, `{"form_data": "${marks.form}" ${marks.form}`),
          send(paths.submit, submission, { "content-type": "text/html" }),
          send(`${paths.submit}?site=${site.websiteConfigId}`, `a=${marks.form}&email=${marks.email}`, urlencoded),
          send(`${paths.submit}?site=${marks.form}`, `a=${marks.form}`, urlencoded),
          send(paths.submit, { ...submission, form_data: { a: marks.form.repeat(20_000) } }),
          ...["hello", "error", "html", "garbage", "event", "cut"].map((how) => chat(how)),
          chat("hello", { "x-widget-token": marks.wrongToken }),
          chat("hello", { origin: "https://evil.example" }),
          send(paths.chat(marks.wrongToken), { message: marks.message }, { "x-widget-token": token }),
          send(paths.chat(instance.instanceId), { message: [marks.message] }, { "x-widget-token": token }),
          ...["openai/v1/chat/completions", "ag-ui"].flatMap((path) => [
            ...["error", "garbage", "event"].map((how) => client(path, turns(how))),
            client(path, turns("hello"), wrong),
            client(path, turns("hello"), { origin: "https://evil.example" }),
            client(path, { ...turns("hello"), messages: marks.message }),
            client(path, { ...turns("hello"), messages: [{ role: [marks.message] }] }),
            send(`/v1/public/widget/${marks.wrongToken}/${path}`, turns("hello"), wrong)
          ]),
          client("openai/v1/chat/completions", { ...turns("hello"), stream: true }),
          send(`/nowhere/${token}?token=${token}`, { a: marks.form }, { "x-widget-token": token }),
          send(paths.submit, undefined, { "x-widget-token": token }, "GET"),
          send("/v1/owner/sites", undefined, asOwner, "GET"),
          send(`/v1/owner/sites/${site.websiteConfigId}/now?key=${key}`, undefined, asOwner, "GET"),
          send("/v1/owner/sites", undefined, { authorization: `Bearer ${marks.wrongKey}` }, "GET"),
          send(`/v1/owner/${key}`, undefined, asOwner, "GET"),
          send("/v1/owner/query", query, asOwner),
          send("/v1/owner/query", { ...query, metrics: [key] }, asOwner),
          send("/v1/owner/query", `{"${key}`, asOwner),
          send("/v1/owner/query", query, { ...asOwner, "content-type": `text/${key}` }),
          send("/v1/owner/query", { ...query, metrics: [cookie] }, asPerson),
          send(`/v1/owner/sites/${cookie}/now`, undefined, asPerson, "GET"),
          send(session, undefined, asPerson, "GET"),
          send(session, undefined, { cookie: `hydracore_console=${marks.wrongCookie}`, ...ofPage }, "GET"),
          send(session, { secret: marks.wrongLink }, ofPage),
          send(session, { secret: link }),
          send(session, { secret: [link] }, ofPage),
          send(session, `{"secret": ${link}`, ofPage),
          send("/healthz", undefined, { "x-widget-token": token }, "GET"),
          send("/readyz", undefined, {}, "GET")
        ]) {
          const { out, status } = yield* sent
          statuses.add(status)
          answers.push(out)
        }
      })
      yield* all
      yield* spoil
      yield* all
    }).pipe(
      Effect.provide(
        Server.layer({
          ...options,
          trustedProxies: [IpNetwork.fromStringUnsafe("127.0.0.1/32")],
          measured: true,
          traceRatio: 1
        }).pipe(
          Layer.provide([
            Countries.none,
            TestDeliveries.layer(),
            MemoryRateLimiter.layer({ maxKeys: 1000 }),
            LiveAgent.layer({
              timeout: "5 seconds",
              secretsKey: Option.none(),
              keyOf: () => Effect.succeedSome(Redacted.make(marks.key))
            }).pipe(Layer.provide(NodeHttpClient.layerDispatcher))
          ]),
          Layer.provideMerge(storage),
          Layer.provideMerge(recording),
          Layer.provide(metrics.layer),
          Layer.orDie
        )
      ),
      Effect.scoped
    )
    return {
      statuses,
      answers,
      lines,
      exported: exported(),
      spans: collector.spans(),
      metrics: metrics.text(),
      secrets: { ...marks, token: secretToken, ownerKey: secretKey, cookie: secretCookie, link: secretLink }
    }
  })

/** Searches for each secret, also in its encoded spellings. */
const assertNowhere = ({
  answers,
  exported,
  lines,
  metrics,
  secrets
}: Effect.Success<ReturnType<typeof scenario>>): void => {
  for (const [name, secret] of Object.entries(secrets)) {
    const spellings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")]
    for (const spelling of spellings) {
      for (const line of lines) assert.notInclude(line, spelling, `${name}, in the log`)
      for (const body of exported) assert.notInclude(body, spelling, `${name}, in an export`)
      for (const answer of answers) assert.notInclude(answer, spelling, `${name}, in an answer`)
      assert.notInclude(metrics, spelling, `${name}, in the metrics`)
    }
  }
}

/** A store whose errors quote the secrets. */
const talkative = (storage: Layer.Layer<Storage>) => {
  const leak = new Error(`cannot store ${Object.values(marks).join(" ")}`)
  return Layer.mergeAll(
    Layer.succeed(
      AnalyticsRepo,
      AnalyticsRepo.of({ append: () => Effect.fail(new StorageUnavailable({ reason: "unreachable", cause: leak })) })
    ),
    Layer.effect(
      SubmissionRepo,
      SubmissionRepo.use((repo) =>
        Effect.succeed(
          SubmissionRepo.of({
            ...repo,
            submit: ({ email }) =>
              Effect.fail(
                email === null
                  ? new StorageUnavailable({ reason: "timeout", cause: leak })
                  : new RecordRefused({ cause: leak })
              )
          })
        )
      )
    )
  ).pipe(Layer.provideMerge(storage))
}

it.live("no secret leaks with storage in memory", () =>
  Effect.gen(function* () {
    const found = yield* scenario(App.memoryStorage)
    assertNowhere(found)
    assert.deepStrictEqual([...found.statuses].sort(), [200, 204, 400, 401, 403, 404, 405, 413, 415, 422, 502].sort())
    // The log, the traces and the metrics are not empty.
    assert.isTrue(found.lines.some((line) => line.includes("The agent did not accept a message")))
    for (const status of [204, 401, 422, 502]) {
      assert.isTrue(found.spans.some(({ attributes }) => attributes["http.response.status_code"] === status))
    }
    assert.isTrue(found.spans.some(({ name }) => name === "POST /v1/public/widget/:instance_id/chat"))
    assert.isTrue(found.spans.some(({ name, status }) => name === "AgentStream.stream" && status.code === 2))
    assert.isTrue(found.exported.some((body) => body.includes("The agent did not accept a message")))
    assert.match(
      found.metrics,
      /requests_total\{route="\/v1\/public\/widget\/:instance_id\/chat",method="POST",status="200"\} [1-9]/
    )
    assert.match(found.metrics, /requests_total\{route="other",method="POST",status="404"\} [1-9]/)
  }).pipe(Effect.scoped)
)

it.live("no secret leaks from a failing store whose errors quote it", () =>
  Effect.gen(function* () {
    const found = yield* scenario(talkative(App.memoryStorage))
    assertNowhere(found)
    assert.isTrue(found.statuses.has(503))
    assert.isTrue(found.lines.some((line) => line.includes("The store refused a record")))
  }).pipe(Effect.scoped)
)

it.live("no secret leaks with PostgreSQL, even when its tables are broken", () =>
  Effect.gen(function* () {
    const environment = ConfigProvider.fromUnknown({
      DATABASE_TIMEOUT: "1 second",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318"
    })
    const settings: Settings = yield* Settings.pipe(Effect.provideService(ConfigProvider.ConfigProvider, environment))
    const database = yield* Layer.build(TestDatabase.layer)
    const spoil = PgClient.PgClient.use((sql) =>
      sql`ALTER TABLE submission ADD CHECK (length(form_data::text) < 3)`.pipe(
        Effect.ignore,
        Effect.andThen(Effect.ignore(sql`DELETE FROM submission`)),
        Effect.andThen(Effect.orDie(sql`ALTER TABLE submission ADD CHECK (length(form_data::text) < 3)`)),
        Effect.andThen(Effect.orDie(sql`DROP TABLE page_view CASCADE`))
      )
    ).pipe(Effect.provide(database), Effect.asVoid)
    // Batches are traced if an endpoint is set, even if it is not this scenario's collector.
    const storage = App.storage({ ...settings, databaseTimeout: Duration.seconds(1) }).pipe(
      Layer.provide(Layer.succeedContext(database)),
      Layer.orDie
    )
    const found = yield* scenario(storage, spoil)
    assertNowhere(found)
    for (const kind of ["page-views", "submissions"]) {
      const batches = found.spans.filter(({ name }) => name === `batch ${kind}`)
      assert.isTrue(batches.some(({ status }) => status.code === 1) && batches.some(({ status }) => status.code === 2))
    }
    assert.isTrue(found.statuses.has(503))
    assert.isTrue(found.lines.some((line) => line.includes("The store refused a record")))
  }).pipe(Effect.scoped)
)
