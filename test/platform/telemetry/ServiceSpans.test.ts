/**
 * The spans that `serve` exports for the calls of services in a request.
 */
import { inspect } from "node:util"
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted, Tracer } from "effect"
import * as Store from "../../../scripts/torture/Store.ts"
import { RateLimiter } from "../../../src/platform/limits/RateLimit.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import * as ServiceSpans from "../../../src/platform/telemetry/ServiceSpans.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import * as PostgresOwnerKeys from "../../../src/sites/access/postgres/OwnerKeys.ts"
import * as Process from "../../support/Process.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as TestCollector from "../../support/TestCollector.ts"

it.live(
  "requests to the public and the owner API have a span for the handler and for each call of a service, with its parent",
  () =>
    Effect.gen(function* () {
      const collector = yield* TestCollector.start()
      const { url } = yield* TestDatabase.connection
      const target = yield* Store.prepare(Redacted.value(url))
      const issued = yield* OwnerKeys.use((keys) =>
        keys.issue({ label: null, scope: "stats", sites: "all", expiresAt: null })
      ).pipe(
        Effect.provide(PostgresOwnerKeys.layer.pipe(Layer.provide(Database.layer({ url, connections: 1 })))),
        Effect.map(Option.getOrThrow)
      )
      const service = yield* Process.start("serve", {
        DATABASE_URL: Redacted.value(url),
        OWNER_API: "on",
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"
      })
      const send = (path: string, body: object, headers: Readonly<Record<string, string>> = {}) =>
        Effect.promise(async () => {
          const response = await fetch(service.url + path, {
            method: "POST",
            headers: { "content-type": "application/json", "user-agent": "Mozilla/5.0 Firefox/140.0", ...headers },
            body: JSON.stringify(body)
          })
          assert.isBelow(response.status, 300, await response.text())
        })
      yield* send("/v1/public/analytics/track", { site_id: target.trackingToken, page_path: "/secret" })
      yield* send("/v1/public/forms/submit", {
        site_id: target.websiteConfigId,
        form_data: { message: "secret" }
      })
      const query = { site_id: target.websiteConfigId, metrics: ["visitors"], date_range: "7d" }
      const authorization = `Bearer ${issued.key}`
      yield* send("/v1/owner/query", query, { authorization })
      yield* Effect.promise(() => fetch(`${service.url}/v1/owner/sites`, { headers: { authorization } }))
      yield* service.signal("SIGTERM")
      assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null }, service.output())

      const spans = collector.spans()
      /** The names of the spans under a span, with theirs. */
      const under = (spanId: string): ReadonlyArray<unknown> =>
        spans
          .filter(({ parentSpanId }) => parentSpanId === spanId)
          .toSorted((one, other) => Number(BigInt(one.startTimeUnixNano) - BigInt(other.startTimeUnixNano)))
          .map(({ name, spanId }) => {
            const children = under(spanId)
            return children.length === 0 ? name : [name, children]
          })
      const of = (route: string, method = "POST") =>
        under(spans.find(({ name }) => name === `${method} ${route}`)?.spanId ?? "")
      assert.deepStrictEqual(of("/v1/public/analytics/track"), [
        [
          "analytics.track",
          ["SiteDirectory.byTrackingToken", "VisitorSalts.of", ["AnalyticsRepo.append", ["batch page-views"]]]
        ]
      ])
      assert.deepStrictEqual(of("/v1/public/forms/submit"), [
        ["forms.submit", ["FormDirectory.bySite", ["SubmissionRepo.submit", ["batch submissions"]]]]
      ])
      assert.deepStrictEqual(of("/v1/owner/query"), [
        "OwnerKeys.authenticate",
        "RateLimiter.take",
        ["reports.query", ["SiteDirectory.byWebsiteConfigId", "Reports.query"]]
      ])
      assert.deepStrictEqual(of("/v1/owner/sites", "GET"), [
        "OwnerKeys.authenticate",
        "RateLimiter.take",
        ["sites.list", ["SiteDirectory.search"]]
      ])
      assert.notInclude(JSON.stringify(collector.exports.map(({ body }) => body.toString())), "secret")
    }).pipe(Effect.scoped),
  120_000
)

it.effect("a span has no error's text, and a request that is not sampled has no spans", () =>
  Effect.gen(function* () {
    const ended: Array<Tracer.Span> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        const end = span.end.bind(span)
        span.end = (time, exit) => {
          end(time, exit)
          ended.push(span)
        }
        return span
      }
    })
    class Failing extends Context.Service<Failing, { readonly read: Effect.Effect<void, StorageUnavailable> }>()(
      "hydracore/services/Failing"
    ) {}
    const error = new StorageUnavailable({ reason: "timeout", cause: new Error("secret") })
    const service = Context.get(ServiceSpans.of(Context.make(Failing, { read: Effect.fail(error) })), Failing)
    const call = (sampled: boolean) =>
      Effect.flip(service.read).pipe(
        Effect.provideService(
          Tracer.ParentSpan,
          Tracer.externalSpan({ spanId: "1".repeat(16), traceId: "2".repeat(32), sampled })
        ),
        Effect.withTracer(tracer)
      )
    assert.strictEqual(yield* call(false), error)
    assert.lengthOf(ended, 0)
    assert.strictEqual(yield* call(true), error)
    assert.deepStrictEqual(
      ended.map(({ name }) => name),
      ["Failing.read"]
    )
    assert.notInclude(
      inspect(
        ended.map(({ status }) => status),
        { depth: 10 }
      ),
      "secret"
    )
  })
)

it("services that are not traced are the same services", () => {
  const services = Layer.succeed(RateLimiter, { take: () => Effect.never })
  assert.strictEqual(ServiceSpans.layer(false)(services), services)
})
