/**
 * The typed client that comes from the contract, against the handlers in memory: no socket.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import * as App from "../../src/App.ts"
import { Api } from "../../src/contract/Api.ts"
import * as Drain from "../../src/http/chat/Drain.ts"
import * as Analytics from "../../src/http/endpoints/Analytics.ts"
import * as Forms from "../../src/http/endpoints/Forms.ts"
import * as Widget from "../../src/http/endpoints/Widget.ts"
import * as Validation from "../../src/http/middleware/Validation.ts"
import * as MemoryAgentStream from "../../src/memory/chat/AgentStream.ts"
import * as MemoryRateLimiter from "../../src/memory/limits/RateLimiter.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import { options } from "../support/TestServer.ts"

const handlers = Layer.mergeAll(
  Analytics.layer({ rateLimit: options.rateLimitAnalytics }),
  Forms.layer({ rateLimit: options.rateLimitForms }),
  Widget.layer({
    rateLimit: options.rateLimitChat,
    streams: options.chatStreams,
    patience: "1 minute",
    maxDuration: "1 minute",
    maxBytes: 1000
  })
).pipe(
  Layer.provide([
    MemoryRateLimiter.layer({ maxKeys: 10 }),
    MemoryAgentStream.layer(() => MemoryAgentStream.texts(["Hello"])),
    Drain.layer({ grace: "1 second" })
  ]),
  Layer.provideMerge(Layer.mergeAll(App.memoryStorage, Validation.layer, HttpServer.layerServices))
)

const makeClient = HttpApiTest.groups(Api, ["analytics", "forms", "widget"])

layer(handlers)("the typed client", (it) => {
  it.effect("sends what the contract says, and reads what it answers", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Typed", origins: [] }))
      yield* client.analytics.track({
        payload: { site_id: site.trackingToken, page_path: "/", screen_width: 1440, referrer: null }
      })
      const receipt = yield* client.forms.submit({
        payload: { site_id: site.websiteConfigId, form_data: { name: "Ada" } },
        headers: {}
      })
      assert.strictEqual(receipt.status, "received")
    })
  )

  it.effect("reads every refusal as what it is", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const unknown = "72771e6a-6f5e-4de4-a5b9-1266c4197811"
      const missing = yield* client.analytics.track({ payload: { site_id: unknown, page_path: "/" } }).pipe(Effect.flip)
      assert.isString((missing as { detail: string }).detail)
      const invalid = yield* client.analytics.track({ payload: { site_id: "x", page_path: "/" } }).pipe(Effect.flip)
      const { detail } = invalid as unknown as { detail: ReadonlyArray<{ loc: unknown; type: string }> }
      assert.deepStrictEqual(
        detail.map(({ loc, type }) => ({ loc, type })),
        [{ loc: ["body", "site_id"], type: "uuid_parsing" }]
      )
      const stranger = yield* client.widget
        .chat({ params: { instance_id: unknown }, payload: { message: "hi" }, headers: { "x-widget-token": "hwt_" } })
        .pipe(Stream.unwrap, Stream.runDrain, Effect.flip)
      assert.isString((stranger as { detail: string }).detail)
    })
  )
})
