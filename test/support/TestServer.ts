/**
 * The whole service on a real socket, with memory storage and a scripted agent.
 *
 * @module
 */
import { Context, Duration, Effect, Layer, Option } from "effect"
import { HttpServer } from "effect/http"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { recording } from "../../src/chat/agent/AgentClient.ts"
import type { Instance } from "../../src/chat/Instance.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import type { TrackingToken, WebsiteConfigId } from "../../src/platform/Id.ts"
import { layerMemory } from "../../src/platform/limits/RateLimit.ts"
import * as Server from "../../src/server/Server.ts"
import * as Retention from "../../src/sites/Retention.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as MemoryStorage from "./MemoryStorage.ts"
import * as TestClient from "./postgres/TestClient.ts"
import { postgres, type Storage } from "./Storages.ts"
import * as TestDeliveries from "./TestDeliveries.ts"

/** The default options. They have no rate limits. */
export const options: Server.Options = {
  listen: { host: "127.0.0.1", port: 0 },
  rateLimitAnalytics: Option.none(),
  rateLimitForms: Option.none(),
  rateLimitChat: Option.none(),
  rateLimitChatRead: Option.none(),
  ownerApi: true,
  rateLimitOwner: Option.none(),
  webhookAllow: [],
  retentionPageViews: Option.none(),
  retentionSubmissions: Option.none(),
  retentionConversations: Retention.parse("30 days"),
  console: true,
  chatStreams: { perAddress: Option.none(), perInstance: Option.none() },
  connections: { total: 100_000, perAddress: Option.none() },
  trustedProxies: [],
  geoDatabase: Option.none(),
  geoHeader: Option.none(),
  secretsKey: Option.none(),
  maxBody: 256 * 1024,
  chatMaxDuration: Duration.minutes(1),
  chatResume: Option.some(Duration.minutes(1)),
  chatMaxBytes: 1024 * 1024,
  shutdownGrace: Duration.millis(200)
}

/** The server's URL, its initial data, and a function that sends requests. */
export class TestServer extends Context.Service<
  TestServer,
  {
    readonly url: string
    readonly trackingToken: TrackingToken
    readonly websiteConfigId: WebsiteConfigId
    readonly instance: Instance
    readonly widgetToken: string
    /** Sends a request. A string body is sent unchanged, any other body as JSON. */
    readonly send: (path: string, body?: unknown, init?: RequestInit) => Effect.Effect<Answer>
  }
>()("hydracore/test/TestServer") {}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body as JSON, or undefined if it is not JSON. */
  readonly json: unknown
}

export const paths = {
  track: "/v1/public/analytics/track",
  view: "/v1/public/view",
  event: "/v1/public/analytics/event",
  submit: "/v1/public/forms/submit",
  chat: (instanceId: string) => `/v1/public/widget/${instanceId}/chat`
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const seed = (memory: Instance["memory"]) =>
  Effect.gen(function* () {
    const server = yield* HttpServer.HttpServer
    const url = HttpServer.formatAddress(server.address)
    const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Test", origins: [] }))
    const instance = yield* InstanceDirectory.use((instances) =>
      instances.create({ name: "Test", agent_url: "http://agent", memory })
    )
    const issued = yield* WidgetTokens.use((tokens) =>
      tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
    )
    return TestServer.of({
      url,
      trackingToken: site.trackingToken,
      websiteConfigId: site.websiteConfigId,
      instance,
      widgetToken: Option.getOrThrow(issued).token,
      send: (path, body, init) =>
        Effect.promise(async (signal) => {
          const response = await fetch(url + path, {
            method: "POST",
            signal,
            ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
            ...init,
            headers: { "content-type": "application/json", ...init?.headers }
          })
          const text = await response.text()
          return { status: response.status, headers: response.headers, text, json: parse(text) }
        })
    })
  })

/** The scripted agent, of which is recorded whether it answers, as of the live one. */
const recordedAgent = (script: ScriptedAgent.Script) =>
  Layer.unwrap(
    Effect.map(AgentFailures, ({ record }) => {
      const recorded = recording(record)
      return ScriptedAgent.layerScripted((request) => recorded(request.instance.instance_id, script(request)))
    })
  )

/** The options of a server without the services of owners. To build the owner API takes three quarters of a server's start. */
const ofVisitors = { ownerApi: false, console: false }

/**
 * The server with these options, agent and storage, by default in memory, without the services, the API and the console of owners.
 * `decorate` can inject faults into the storage.
 */
export const layer = (
  overrides: Partial<Server.Options> = {},
  agent: ScriptedAgent.Script = () => ScriptedAgent.texts(["Hello", " there"]),
  decorate: (storage: Layer.Layer<Storage>) => Layer.Layer<Storage> = (storage) => storage,
  storage?: Layer.Layer<Storage>,
  memory: Instance["memory"] = "agent",
  mail?: TestDeliveries.Mail
) =>
  Layer.effect(TestServer, Effect.orDie(seed(memory))).pipe(
    Layer.provide(
      Server.layer({ ...options, ...(storage === undefined ? ofVisitors : {}), ...overrides }).pipe(
        Layer.provide([
          layerMemory({ maxKeys: 1000 }),
          recordedAgent(agent),
          TestDeliveries.layer(overrides.webhookAllow, mail)
        ])
      )
    ),
    Layer.provideMerge(decorate(storage ?? MemoryStorage.layer())),
    Layer.orDie
  )

type OnPostgres = readonly [
  overrides?: Partial<Server.Options>,
  agent?: ScriptedAgent.Script,
  decorate?: (storage: Layer.Layer<Storage>) => Layer.Layer<Storage>,
  mail?: TestDeliveries.Mail
]

/** The server on PostgreSQL, for tests of what owners do. */
export const onPostgres = (...[overrides, agent, decorate, mail]: OnPostgres) =>
  layer(overrides, agent, decorate, postgres(), "agent", mail)

/** The same with few connections: the first statements of each take longer than those of a short test. */
export const onFewConnections = (...[overrides, agent, decorate, mail]: OnPostgres) =>
  layer(overrides, agent, decorate, postgres({}, TestClient.withConnections(3)), "agent", mail)
