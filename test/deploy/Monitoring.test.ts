/** The alerts and the dashboard of `scripts/deploy` name only metrics and labels that a running service has. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { Agent } from "node:http"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as Shutdown from "../../scripts/torture/scenarios/Shutdown.ts"
import * as Documents from "../docs/Documents.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import * as Upstream from "../support/TestUpstream.ts"
import { until } from "../support/Wait.ts"

const folder = path.resolve(import.meta.dirname, "../../scripts/deploy")
const alertsFile = path.join(folder, "alerts.yaml")
const alerts = readFileSync(alertsFile, "utf8")

const Dashboard = Schema.Struct({
  panels: Schema.Array(
    Schema.Struct({
      id: Schema.Int,
      type: Schema.Literals(["row", "timeseries"]),
      title: Schema.String,
      gridPos: Schema.Struct({ x: Schema.Int, y: Schema.Int, w: Schema.Int, h: Schema.Int }),
      targets: Schema.optionalKey(Schema.Array(Schema.Struct({ expr: Schema.String, legendFormat: Schema.String })))
    })
  )
})

const { panels } = Schema.decodeUnknownSync(Schema.fromJsonString(Dashboard))(
  readFileSync(path.join(folder, "dashboard.json"), "utf8")
)

/** The dashboard's expressions; Grafana replaces the variable. */
const expressions = panels.flatMap(({ targets = [] }) =>
  targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "5m"))
)

/** The metrics that a text names, as `/metrics` names their families. */
const namedIn = (text: string): ReadonlyArray<string> => [
  ...new Set([...text.matchAll(/hydracore_[a-z_]+/g)].map(([name]) => name.replace(/_(?:bucket|sum|count)$/, "")))
]

/** Runs promtool with a file of this text. */
const promtool = (command: ReadonlyArray<string>, text: string): string => {
  const temporary = mkdtempSync(path.join(tmpdir(), "hydracore-rules-"))
  try {
    writeFileSync(path.join(temporary, "rules.yaml"), text)
    return execFileSync("promtool", [...command, path.join(temporary, "rules.yaml")], { encoding: "utf8" })
  } finally {
    rmSync(temporary, { recursive: true })
  }
}

/** The text of `/metrics` of a service with workers, after a page view and a chat. */
const scraped = Effect.gen(function* () {
  const DATABASE_URL = yield* TestDatabase.url
  const upstream = yield* Upstream.start((_, response) => {
    response.writeHead(200, Upstream.sse)
    response.write(Upstream.says("Well"))
    response.end(Upstream.finishes("stop"))
  })
  const target = yield* Store.prepare(DATABASE_URL, upstream.url)
  const service = yield* Process.start(
    "serve",
    {
      DATABASE_URL,
      METRICS_PORT: "0",
      RATE_LIMIT_ANALYTICS: "100/minute",
      // Nothing listens there, so the process applies the rate limits alone, and sends no mail.
      REDIS_URL: "redis://127.0.0.1:9",
      SMTP_URL: "smtp://127.0.0.1:9",
      MAIL_FROM: "mail@example.com",
      PUBLIC_URL: "https://edge.example",
      SECRETS_KEY: "5".repeat(64)
    },
    ["--workers", "1"]
  )
  yield* Effect.promise(() =>
    Load.post(
      new Agent({ keepAlive: false }),
      `${service.url}/v1/public/analytics/track`,
      JSON.stringify({ site_id: target.trackingToken, page_path: "/" }),
      { "x-forwarded-for": "192.0.2.1" }
    )
  )
  yield* Shutdown.chat(service.url, target, "hello").ended
  const url = yield* until("the metrics are served", () => /Metrics on (http:\/\/[^"\s]+)/.exec(service.output())?.[1])
  return yield* Effect.promise(() => fetch(url).then((response) => response.text()))
}).pipe(Effect.scoped)

describe("scripts/deploy", () => {
  it.live(
    "every metric and every label of the alerts and the dashboard is in /metrics",
    () =>
      Effect.gen(function* () {
        const text = yield* scraped
        const families = new Map(
          [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = ""]) => {
            const samples = [...TestMetrics.samplesOf(text).keys()].filter((sample) => sample.startsWith(name))
            return [
              name,
              new Set(samples.flatMap((sample) => [...sample.matchAll(/(\w+)="/g)].map(([, label]) => label)))
            ]
          })
        )
        const named = namedIn(alerts + expressions.join("\n"))
        assert.isAbove(named.length, 20)
        assert.deepStrictEqual(
          named.filter((name) => !families.has(name)),
          []
        )
        for (const [, name = "", labels = ""] of (alerts + expressions.join("\n")).matchAll(
          /(hydracore_[a-z_]+)\{([^}]*)\}/g
        )) {
          for (const [, label] of labels.matchAll(/(\w+)[=!]/g)) {
            assert.include([...(families.get(namedIn(name)[0] ?? "") ?? [])], label, name)
          }
        }
      }),
    120_000
  )

  it("the panels of the dashboard do not overlap", () => {
    assert.sameMembers(
      [...new Set(panels.map(({ id }) => id))],
      panels.map(({ id }) => id)
    )
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: h * w }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`)
    )
    assert.strictEqual(new Set(cells).size, cells.length)
    for (const { gridPos } of panels) assert.isAtMost(gridPos.x + gridPos.w, 24)
  })

  TestMetrics.withPromtool("promtool accepts the alerts, and the dashboard's expressions", () =>
    Effect.sync(() => {
      assert.include(promtool(["check", "rules"], alerts), "SUCCESS")
      const rules = expressions.map((expr, index) => ({ record: `panel:${index}`, expr }))
      const text = JSON.stringify({ groups: [{ name: "dashboard", rules }] })
      assert.include(promtool(["check", "rules"], text), `SUCCESS: ${rules.length} rules found`)
    })
  )

  TestMetrics.withPromtool("promtool accepts the guide's configuration of Prometheus", () =>
    Effect.sync(() => {
      const block = Documents.onlyBlock("src/docs/monitoring.md", "yaml")
      const text = block.replace("/opt/hydracore-edge/deploy", folder)
      assert.include(promtool(["check", "config"], text), "SUCCESS")
    })
  )

  TestMetrics.withPromtool("the alerts fire when they should, and only then", () =>
    Effect.sync(() => {
      const series = (name: string, values: string) => ({ series: `hydracore_${name}`, values })
      const requests = (status: string, each: number) =>
        series(`http_requests_total{route="/v1/public/forms/submit",method="POST",status="${status}"}`, `0+${each}x60`)
      const scenario = (name: string, input: ReadonlyArray<object>, expected: ReadonlyArray<object>) => ({
        name,
        interval: "1m",
        input_series: input,
        promql_expr_test: expected
      })
      /** Expects that an alert fires, or that it does not. */
      const fires = (alert: string, is: boolean) => ({
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
        eval_time: "40m",
        exp_samples: [{ labels: "{}", value: is ? 1 : 0 }]
      })
      const build = series('build_info{version="1",node="24"}', "1x60")
      const tests = [
        scenario("nothing reports", [], [fires("HydraCoreGone", true)]),
        scenario(
          "all is well",
          [build, requests("200", 600), requests("503", 3), series('batch_queue{kind="page-view"}', "100x60")],
          ["Gone", "Errors", "Queue", "LimiterAway", "WebhooksGivenUp"].map((name) => fires(`HydraCore${name}`, false))
        ),
        scenario(
          "the database does not answer",
          [build, requests("200", 600), requests("503", 60), series('batch_queue{kind="page-view"}', "20000x60")],
          [fires("HydraCoreErrors", true), fires("HydraCoreQueue", true), fires("HydraCoreGone", false)]
        ),
        scenario(
          "what is around the service fails",
          [
            series("limiter_away", "1x60"),
            series('webhook_attempts_total{outcome="failed"}', "0+1x60"),
            series('mail_attempts_total{outcome="failed"}', "0+1x60"),
            series('agent_failures_total{kind="timeout"}', "0+5x60"),
            series('chat_streams_total{reason="finished"}', "0+5x60")
          ],
          ["LimiterAway", "WebhooksGivenUp", "MailsGivenUp", "AgentFailures"].map((name) =>
            fires(`HydraCore${name}`, true)
          )
        )
      ]
      const text = JSON.stringify({ rule_files: [alertsFile], evaluation_interval: "1m", tests })
      assert.include(promtool(["test", "rules"], text), "SUCCESS")
    })
  )
})
