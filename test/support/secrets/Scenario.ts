/** Sends every kind of request with marked secrets, and searches all output for them. */
import { NodeHttpClient } from "@effect/platform-node"
import { assert } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { HttpServer } from "effect/http"
import { IpNetwork } from "effect/net"
import * as AgentClient from "../../../src/chat/agent/AgentClient.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../../src/chat/WidgetTokens.ts"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { layerMemory } from "../../../src/platform/limits/RateLimit.ts"
import * as Server from "../../../src/server/Server.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { fromOwnPage, newCookie, newLink } from "../OwnerRequests.ts"
import type { Storage } from "../Storages.ts"
import * as TestDeliveries from "../TestDeliveries.ts"
import * as TestMetrics from "../TestMetrics.ts"
import { options, paths } from "../TestServer.ts"
import { marks, recorder, upstream } from "./Recorder.ts"

const mail = Option.some({
  mailer: Mailer.makeMemory([]),
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: null,
    secretsKey: Redacted.make<Uint8Array>(new Uint8Array(32))
  }
})

interface Answer {
  readonly status: number
  readonly headersAndBody: string
}

/** Sends every kind of request before and after `breakTables`, and returns all output. */
export const scenario = (storage: Layer.Layer<Storage>, breakTables: Effect.Effect<void> = Effect.void) =>
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
          agent_url: agent.url,
          agent_model: null,
          agent_key_env: "AGENT_KEY",
          origins: ["https://own.example"]
        })
      )
      const { token } = Option.getOrThrow(
        yield* WidgetTokens.use((tokens) =>
          tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
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
      const sessionPath = "/v1/owner/session"
      const asSession = { cookie: `hydracore_console=${cookie}`, ...fromOwnPage }
      secretCookie = cookie
      secretLink = link
      const query = { site_id: site.websiteConfigId, metrics: ["visitors"], date_range: "7d" }
      const send = (path: string, body: unknown, headers: Record<string, string> = {}, method = "POST") =>
        Effect.promise(async (): Promise<Answer> => {
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
          return { status: response.status, headersAndBody: `${JSON.stringify([...response.headers])} ${text}` }
        })

      const form = { [marks.form]: marks.form, email: `${marks.email}@example.org` }
      const submission = { site_id: site.websiteConfigId, form_data: form, email: `${marks.email}@example.org` }
      const added = yield* Notifications.use((notifications) =>
        notifications.addByOwner(site.websiteConfigId, { to: `${marks.email}@example.org`, report: "weekly" })
      )
      if (added._tag !== "Added") return yield* Effect.die(added)
      const notificationPath = `/v1/owner/sites/${site.websiteConfigId}/notifications/${added.notification.notification_id}`
      const view = { site_id: site.trackingToken, page_path: "/" }
      const urlencoded = { "content-type": "application/x-www-form-urlencoded", accept: "text/html" }
      const chat = (message: string, headers: Record<string, string> = {}) =>
        send(
          paths.chat(instance.instance_id),
          { message: `${message} ${marks.message}` },
          { "x-widget-token": token, ...headers }
        )
      const postToInstance = (path: string, body: unknown, headers: Record<string, string> = {}) =>
        send(
          `/v1/public/widget/${instance.instance_id}/${path}`,
          body,
          path === "ag-ui" ? { "x-widget-token": token, ...headers } : { authorization: `Bearer ${token}`, ...headers }
        )
      const bodyOf = (behaviour: string) => ({
        threadId: "thread",
        runId: "1",
        metadata: { conversation_id: marks.idempotency },
        messages: [{ role: "user", content: `${behaviour} ${marks.message}` }]
      })
      const wrong = { "x-widget-token": marks.wrongToken, authorization: `Bearer ${marks.wrongToken}` }
      const sendAll = Effect.gen(function* () {
        for (const request of [
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
          ...["hello", "error", "html", "garbage", "event", "cut"].map((behaviour) => chat(behaviour)),
          chat("hello", { "x-widget-token": marks.wrongToken }),
          chat("hello", { origin: "https://evil.example" }),
          send(paths.chat(marks.wrongToken), { message: marks.message }, { "x-widget-token": token }),
          send(paths.chat(instance.instance_id), { message: [marks.message] }, { "x-widget-token": token }),
          ...["openai/v1/chat/completions", "ag-ui"].flatMap((path) => [
            ...["error", "garbage", "event"].map((behaviour) => postToInstance(path, bodyOf(behaviour))),
            postToInstance(path, bodyOf("hello"), wrong),
            postToInstance(path, bodyOf("hello"), { origin: "https://evil.example" }),
            postToInstance(path, { ...bodyOf("hello"), messages: marks.message }),
            postToInstance(path, { ...bodyOf("hello"), messages: [{ role: [marks.message] }] }),
            send(`/v1/public/widget/${marks.wrongToken}/${path}`, bodyOf("hello"), wrong)
          ]),
          postToInstance("openai/v1/chat/completions", { ...bodyOf("hello"), stream: true }),
          send(`/nowhere/${token}?token=${token}`, { a: marks.form }, { "x-widget-token": token }),
          send(paths.submit, undefined, { "x-widget-token": token }, "GET"),
          send("/v1/owner/sites", undefined, asOwner, "GET"),
          send(`/v1/owner/sites/${site.websiteConfigId}/now?key=${key}`, undefined, asOwner, "GET"),
          send("/v1/owner/sites", undefined, { authorization: `Bearer ${marks.wrongKey}` }, "GET"),
          send(`/v1/owner/${key}`, undefined, asOwner, "GET"),
          send(`${notificationPath}/confirmation`, undefined, asOwner),
          send(`${notificationPath}/test`, undefined, asOwner),
          send("/v1/owner/query", query, asOwner),
          send("/v1/owner/query", { ...query, metrics: [key] }, asOwner),
          send("/v1/owner/query", `{"${key}`, asOwner),
          send("/v1/owner/query", query, { ...asOwner, "content-type": `text/${key}` }),
          send("/v1/owner/query", { ...query, metrics: [cookie] }, asSession),
          send(`/v1/owner/sites/${cookie}/now`, undefined, asSession, "GET"),
          send(sessionPath, undefined, asSession, "GET"),
          send(sessionPath, undefined, { cookie: `hydracore_console=${marks.wrongCookie}`, ...fromOwnPage }, "GET"),
          send(sessionPath, { secret: marks.wrongLink }, fromOwnPage),
          send(`${sessionPath}/link`, { secret: marks.wrongLink }, fromOwnPage),
          send(`${sessionPath}/link`, { secret: link }, fromOwnPage),
          send(sessionPath, { secret: link }),
          send(sessionPath, { secret: [link] }, fromOwnPage),
          send(sessionPath, `{"secret": ${link}`, fromOwnPage),
          send("/healthz", undefined, { "x-widget-token": token }, "GET"),
          send("/readyz", undefined, {}, "GET")
        ]) {
          const { headersAndBody, status } = yield* request
          statuses.add(status)
          answers.push(headersAndBody)
        }
      })
      yield* sendAll
      yield* breakTables
      yield* sendAll
    }).pipe(
      Effect.provide(
        Server.layer({
          ...options,
          trustedProxies: [IpNetwork.fromStringUnsafe("127.0.0.1/32")],
          measured: true,
          traceRatio: 1
        }).pipe(
          Layer.provide([
            TestDeliveries.layer([], mail),
            layerMemory({ maxKeys: 1000 }),
            AgentClient.layer({
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

/** Asserts that no output contains a secret, plain or encoded. */
export const assertNowhere = ({
  answers,
  exported,
  lines,
  metrics,
  secrets
}: Effect.Success<ReturnType<typeof scenario>>): void => {
  for (const [name, secret] of Object.entries(secrets)) {
    const encodings = [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64").replace(/=+$/, "")]
    for (const encoding of encodings) {
      for (const line of lines) assert.notInclude(line, encoding, `${name}, in the log`)
      for (const body of exported) assert.notInclude(body, encoding, `${name}, in an export`)
      for (const answer of answers) assert.notInclude(answer, encoding, `${name}, in an answer`)
      assert.notInclude(metrics, encoding, `${name}, in the metrics`)
    }
  }
}
