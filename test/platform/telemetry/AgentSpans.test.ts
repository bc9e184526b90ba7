/**
 * The status of the spans that `serve` exports for its requests to agents.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Store from "../../../scripts/torture/Store.ts"
import type { Instance } from "../../../src/chat/Instance.ts"
import * as Process from "../../support/Process.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as TestCollector from "../../support/TestCollector.ts"
import { finishes, says, sse, start } from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

/** Succeeds, breaks off, or never ends, as the message says. */
const agent = start(({ body }, response) => {
  response.writeHead(200, sse)
  response.write(says("Well"))
  if (body.includes("succeed")) response.end(finishes("stop"))
  else if (body.includes("break")) response.end()
})

/** The status codes of OTLP. */
const unset = 0
const ok = 1
const error = 2

const outcomes = { succeed: ok, break: error, leave: unset }

/** A request of each client, by the end of its path. Each begins a conversation. */
const requests: Readonly<Record<string, (content: string) => object>> = {
  chat: (message) => ({ message }),
  "openai/v1/chat/completions": (content) => ({
    messages: [{ role: "user", content }],
    stream: true,
    metadata: { conversation_id: `openai ${content}` }
  }),
  "ag-ui": (content) => ({ threadId: `ag-ui ${content}`, runId: "1", messages: [{ id: "1", role: "user", content }] })
}

/** The span of each client's handler, under that of its request. */
const handlerOf: Readonly<Record<string, string>> = {
  chat: "widget.chat",
  "openai/v1/chat/completions": "openai.completions",
  "ag-ui": "agUi.run"
}

describe("the exported spans of agents", () => {
  for (const memory of ["edge", "agent"] satisfies ReadonlyArray<Instance["memory"]>)
    it.live(
      `are ok for an answer that succeeds, failed for one that breaks, unset for one that its visitor leaves: memory ${memory}`,
      () =>
        Effect.gen(function* () {
          const collector = yield* TestCollector.start()
          const upstream = yield* agent
          const database = Redacted.value((yield* TestDatabase.connection).url)
          const target = yield* Store.prepare(database, upstream.url, memory)
          const service = yield* Process.start("serve", {
            DATABASE_URL: database,
            CHAT_RESUME: "off",
            OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
            OTEL_EXPORTER_OTLP_PROTOCOL: "http/json"
          })
          for (const [path, bodyOf] of Object.entries(requests)) {
            for (const message of Object.keys(outcomes)) {
              yield* Effect.promise(async () => {
                const response = await fetch(`${service.url}/v1/public/widget/${target.instanceId}/${path}`, {
                  method: "POST",
                  headers: {
                    "content-type": "application/json",
                    "x-widget-token": target.widgetToken,
                    authorization: `Bearer ${target.widgetToken}`
                  },
                  body: JSON.stringify(bodyOf(message))
                })
                assert.strictEqual(response.status, 200)
                if (message === "leave") await response.body?.cancel()
                else await response.text()
              })
              yield* until("the agent's response ends", () => upstream.open() === 0)
            }
          }
          yield* service.signal("SIGTERM")
          assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null }, service.output())
          const spans = collector.spans()
          const calls = spans.filter(({ name }) => name === "AgentStream.stream")
          const codesOf = (path: string): ReadonlyArray<number> => {
            const routes = spans.filter(({ name }) => name === `POST /v1/public/widget/:instance_id/${path}`)
            const under = (parents: typeof spans) => (span: (typeof spans)[number]) =>
              parents.some(({ spanId }) => span.parentSpanId === spanId)
            const handlers = spans.filter(under(routes)).filter(({ name }) => name === handlerOf[path])
            return calls
              .filter(under(handlers))
              .toSorted((one, other) => Number(BigInt(one.startTimeUnixNano) - BigInt(other.startTimeUnixNano)))
              .map(({ status }) => status.code)
          }
          for (const path of Object.keys(requests)) {
            assert.deepStrictEqual(codesOf(path), Object.values(outcomes), `${path} ${JSON.stringify(calls)}`)
          }
        }).pipe(Effect.scoped),
      120_000
    )
})
