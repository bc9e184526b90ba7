/**
 * The typed client derived from the contract, with the in-memory handlers and without a socket.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, identity, Layer, Option, Stream } from "effect"
import { HttpServer } from "effect/http"
import { HttpApiTest } from "effect/http-api"
import * as Analytics from "../../src/analytics/Http.ts"
import { Api, Traced } from "../../src/api/Api.ts"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import * as ChatEndpoint from "../../src/chat/ChatEndpoint.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as RunningAnswers from "../../src/chat/RunningAnswers.ts"
import * as Widget from "../../src/chat/WidgetHttp.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import * as Forms from "../../src/forms/Http.ts"
import * as Body from "../../src/platform/http/Body.ts"
import * as Validation from "../../src/platform/http/Validation.ts"
import { InstanceId, TrackingToken } from "../../src/platform/Id.ts"
import { layerMemory } from "../../src/platform/limits/RateLimit.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as MemoryStorage from "../support/MemoryStorage.ts"
import { options } from "../support/TestServer.ts"
import { submissionsOf } from "../support/TestSubmissions.ts"

const handlersWith = ({
  rateLimitAnalytics,
  rateLimitChat,
  rateLimitChatRead,
  rateLimitForms,
  chatStreams
}: typeof options) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const tracking = yield* Analytics.make({
        rateLimit: rateLimitAnalytics,
        countryOf: () => null
      })
      const bounds = { maxDuration: "1 minute", maxBytes: 1000, graceExpired: Effect.never } as const
      const answers = yield* RunningAnswers.make({ ...bounds, resume: Option.none() })
      const chat = yield* ChatEndpoint.make({ ...bounds, answers, slots: chatStreams, readTimeout: "1 minute" })
      return Layer.mergeAll(Analytics.layer(tracking), Forms.layer({ rateLimit: rateLimitForms }), Widget.layer(chat))
    })
  ).pipe(
    Layer.provideMerge(
      Layer.mergeAll(Widget.admission({ rateLimitChat, rateLimitChatRead }), Widget.bodies, Body.layer)
    ),
    Layer.provide([layerMemory({ maxKeys: 10 }), ScriptedAgent.layerScripted(() => ScriptedAgent.texts(["Hello"]))]),
    Layer.provideMerge(
      Layer.mergeAll(MemoryStorage.layer(), Validation.layer, Layer.succeed(Traced, identity), HttpServer.layerServices)
    )
  )

const handlers = handlersWith(options)

const makeClient = HttpApiTest.groups(Api, ["analytics", "forms", "widget"])

const unknown = "72771e6a-6f5e-4de4-a5b9-1266c4197811"

layer(handlers)("the typed client", (it) => {
  it.effect("sends what the contract declares, and reads the responses with their headers", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Typed", origins: [] }))
      const view = yield* client.analytics.track({
        payload: { site_id: site.trackingToken, page_path: "/", screen_width: 1440, referrer: null }
      })
      assert.strictEqual(view.headers["x-hydracore-decision"], "counted")
      const receipt = yield* client.forms.submit({
        payload: { site_id: site.websiteConfigId, form_data: { name: "Ada" } },
        headers: {},
        query: {}
      })
      if (!("body" in receipt) || receipt.body === undefined) return assert.fail("The receipt is JSON")
      assert.strictEqual(receipt.body.status, "received")
      assert.strictEqual(receipt.headers["x-hydracore-decision"], "counted")
    })
  )

  it.effect("sends a plain form, and reads the page", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Plain", origins: [] }))
      const answer = yield* client.forms.submit({
        payload: { name: "Ada", topic: ["a", "b"], hydracore_page: "contact" },
        headers: {},
        query: { site: site.websiteConfigId }
      })
      if (!("_tag" in answer)) return assert.fail("The client accepts pages")
      assert.include(answer.html, "Thank you")
      const [stored] = yield* submissionsOf(site.websiteConfigId)
      assert.strictEqual(stored?.formData, '{"name":"Ada","topic":["a","b"]}')
      assert.strictEqual(stored?.pageSlug, "contact")
    })
  )

  it.effect("reads the frames of a chat", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const instance = yield* InstanceDirectory.use((instances) =>
        instances.create({
          name: "Typed",
          agent_url: "http://agent",
          agent_model: null,
          agent_key_env: null,
          origins: []
        })
      )
      const issued = yield* WidgetTokens.use((tokens) =>
        tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
      )
      const { body, headers } = yield* client.widget.chat({
        params: { instance_id: InstanceId.make(instance.instance_id) },
        payload: { message: "hi", conversation_id: "typed" },
        headers: { "x-widget-token": Option.getOrThrow(issued).token }
      })
      assert.strictEqual(headers["x-vercel-ai-ui-message-stream"], "v1")
      const events = yield* Stream.runCollect(body)
      const frames = events.flatMap(({ data }) => (data === "[DONE]" ? [] : [data]))
      assert.deepStrictEqual(
        frames.map(({ type }) => type),
        ["start", "text-start", "text-delta", "text-end", "finish"]
      )
      assert.deepStrictEqual(
        frames.flatMap((frame) => (frame.type === "start" ? [frame.messageMetadata.conversation_id] : [])),
        ["typed"]
      )
      assert.strictEqual(events.at(-1)?.data, "[DONE]")
    })
  )

  it.effect("decodes the errors of unknown websites, invalid fields and wrong tokens", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const missing = yield* client.analytics
        .track({ payload: { site_id: TrackingToken.make(unknown), page_path: "/" } })
        .pipe(
          Effect.as("stored"),
          Effect.catchTag("NotFound", ({ detail, headers }) =>
            Effect.succeed([detail.includes("site_id"), headers["x-hydracore-decision"]] as const)
          )
        )
      assert.deepStrictEqual(missing, [true, "unknown-site"])
      const faults = yield* client.analytics
        .track({
          payload: { site_id: TrackingToken.make(unknown), page_path: "/", screen_width: 0.5 }
        })
        .pipe(
          Effect.as([]),
          Effect.catchTag("ValidationFailed", ({ detail }) =>
            Effect.succeed(detail.map(({ loc, type }) => ({ loc, type })))
          )
        )
      assert.deepStrictEqual(faults, [{ loc: ["body", "screen_width"], type: "int_from_float" }])
      const unauthorized = yield* client.widget
        .chat({
          params: { instance_id: InstanceId.make(unknown) },
          payload: { message: "hi" },
          headers: { "x-widget-token": "hwt_" }
        })
        .pipe(
          Effect.as("answered"),
          Effect.catchTag("Unauthorized", ({ detail }) => Effect.succeed(detail))
        )
      assert.include(unauthorized, "X-Widget-Token")
    })
  )
})

layer(
  Layer.fresh(
    handlersWith({
      ...options,
      rateLimitAnalytics: Option.some({ name: "analytics", limit: 1, windowMillis: 60_000 })
    })
  )
)("the typed client, over the limit", (it) => {
  it.effect("decodes Retry-After", () =>
    Effect.gen(function* () {
      const client = yield* makeClient
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Limited", origins: [] }))
      const track = client.analytics.track({ payload: { site_id: site.trackingToken, page_path: "/" } })
      const first = yield* track
      assert.strictEqual(first.headers.ratelimit, '"analytics";r=0;t=60')
      const refused = yield* Effect.flip(track)
      assert.strictEqual(refused._tag, "TooManyRequests")
      if (refused._tag !== "TooManyRequests") return
      assert.deepStrictEqual(refused.headers, {
        "ratelimit-policy": '"analytics";q=1;w=60',
        ratelimit: '"analytics";r=0;t=60',
        "retry-after": 60,
        "x-hydracore-decision": "limited"
      })
    })
  )
})
