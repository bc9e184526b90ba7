/**
 * The whole service in the test's process, on memory storage with the production client of agents, so that a test can count its
 * fibers and sockets.
 *
 * @module
 */

import { ConfigProvider, Effect, Layer, Logger, Metric, Option, type Scope } from "effect"
import { HttpServer } from "effect/http"
import type { Target } from "../../scripts/torture/Load.ts"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import type { Instance } from "../../src/chat/Instance.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import type * as Server from "../../src/server/Server.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as MemoryStorage from "./MemoryStorage.ts"
import * as Upstream from "./TestUpstream.ts"

export interface Service {
  readonly url: string
  readonly port: number
  readonly target: Target
  readonly upstream: Upstream.Upstream
  /** The log, one entry per line. */
  readonly log: () => string
  /** The number of running fibers. */
  readonly fibers: () => number
  /** The number of this process's sockets, including those of the test's clients. */
  readonly sockets: () => number
}

const unlimited = { RATE_LIMIT_ANALYTICS: "off", RATE_LIMIT_FORMS: "off", RATE_LIMIT_CHAT: "off" }

/** Starts the service with settings from `environment`. It stops when the scope closes. */
export const start = Effect.fnUntraced(function* (
  options: {
    readonly environment?: Readonly<Record<string, string>>
    readonly limits?: Server.Options["limits"]
    readonly respond?: Upstream.Respond
    /** The memory of the instance. Default: `agent`. */
    readonly memory?: Instance["memory"]
  } = {}
): Effect.fn.Return<Service, never, Scope.Scope> {
  const upstream = yield* Upstream.start(options.respond ?? ((_, response) => void response.writeHead(404).end()))
  const settings = yield* Settings.pipe(
    Effect.provideService(
      ConfigProvider.ConfigProvider,
      ConfigProvider.fromUnknown({ ...unlimited, SHUTDOWN_GRACE: "200 millis", ...options.environment })
    ),
    Effect.orDie
  )
  let fibers = 0
  const counted = Layer.succeed(Metric.FiberRuntimeMetrics, {
    recordFiberStart: () => void fibers++,
    recordFiberEnd: () => void fibers--
  })
  const lines: Array<string> = []
  const logged = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
  const context = yield* Layer.build(
    App.server({
      settings: { ...settings, ...(options.limits === undefined ? {} : { limits: options.limits }) },
      listen: { host: "127.0.0.1", port: 0 }
    }).pipe(
      Layer.provideMerge(MemoryStorage.layer()),
      Layer.provide([App.outwardClient(settings), counted, logged]),
      Layer.orDie
    )
  )
  return yield* Effect.gen(function* () {
    const server = yield* HttpServer.HttpServer
    const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Test", origins: [] }))
    const instance = yield* InstanceDirectory.use((instances) =>
      instances.create({ name: "Test", agent_url: upstream.url, memory: options.memory ?? "agent" })
    )
    const issued = yield* WidgetTokens.use((tokens) =>
      tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
    )
    const url = HttpServer.formatAddress(server.address)
    return {
      url,
      port: Number(new URL(url).port),
      target: {
        trackingToken: site.trackingToken,
        websiteConfigId: site.websiteConfigId,
        instanceId: instance.instance_id,
        widgetToken: Option.getOrThrow(issued).token
      },
      upstream,
      log: () => lines.join("\n"),
      fibers: () => fibers,
      sockets: () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
    }
  }).pipe(Effect.provide(context), Effect.orDie)
})
