/**
 * Puts the service together: the one place that chooses layers.
 *
 * @module
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Config, Effect, Layer, Option } from "effect"
import type { HttpRouter } from "effect/http"
import * as LiveAgent from "./agent/AgentStream.ts"
import type { Settings } from "./Config.ts"
import type { Link } from "./cluster/Protocol.ts"
import * as ClusterRateLimiter from "./cluster/RateLimiter.ts"
import * as Server from "./http/Server.ts"
import * as MemoryAnalyticsRepo from "./memory/AnalyticsRepo.ts"
import * as MemoryDecisions from "./memory/Decisions.ts"
import * as MemoryInstanceDirectory from "./memory/InstanceDirectory.ts"
import * as MemoryPageViews from "./memory/PageViews.ts"
import * as MemoryRateLimiter from "./memory/RateLimiter.ts"
import * as MemoryReadiness from "./memory/Readiness.ts"
import * as MemoryReports from "./memory/Reports.ts"
import * as MemorySiteDirectory from "./memory/SiteDirectory.ts"
import * as MemorySiteErasure from "./memory/SiteErasure.ts"
import * as MemorySubmissionRepo from "./memory/SubmissionRepo.ts"
import * as MemoryVisitorSalts from "./memory/VisitorSalts.ts"
import * as MemoryWidgetTokens from "./memory/WidgetTokens.ts"
import * as AnalyticsRepo from "./postgres/AnalyticsRepo.ts"
import * as Database from "./postgres/Database.ts"
import * as Decisions from "./postgres/Decisions.ts"
import * as InstanceDirectory from "./postgres/InstanceDirectory.ts"
import * as Maintenance from "./postgres/Maintenance.ts"
import * as Readiness from "./postgres/Readiness.ts"
import * as Reports from "./postgres/Reports.ts"
import * as SiteDirectory from "./postgres/SiteDirectory.ts"
import * as SiteErasure from "./postgres/SiteErasure.ts"
import * as SubmissionRepo from "./postgres/SubmissionRepo.ts"
import * as VisitorSalts from "./postgres/VisitorSalts.ts"
import * as WidgetTokens from "./postgres/WidgetTokens.ts"
import type { AgentStream } from "./services/AgentStream.ts"
import type { AnalyticsRepo as AnalyticsRepoService } from "./services/AnalyticsRepo.ts"
import { Metrics } from "./services/Metrics.ts"
import { RateLimiter } from "./services/RateLimiter.ts"
import type { SubmissionRepo as SubmissionRepoService } from "./services/SubmissionRepo.ts"

/** Where the database is: an address, or a socket's path with a user and a database. */
export type DatabaseAddress = Omit<Database.Options, "connections">

/** The connections to a database. */
export const database = (settings: Settings, address: DatabaseAddress) =>
  Database.layer({ ...address, connections: settings.databaseConnections })

/** Everything that is stored, on PostgreSQL. Over `database`. */
export const storage = (settings: Settings) => {
  const timeout = settings.databaseTimeout
  const queue = { timeout, maxQueue: settings.databaseQueue }
  return Layer.mergeAll(
    AnalyticsRepo.layer(queue),
    SubmissionRepo.layer(queue),
    SiteDirectory.layer({ timeout }),
    SiteErasure.layer({ timeout }),
    InstanceDirectory.layer({ timeout }),
    WidgetTokens.layer({ timeout }),
    VisitorSalts.layer({ timeout }),
    Reports.layer({ timeout: "5 minutes" }),
    Decisions.layer({ timeout }),
    Readiness.layer
  )
}

/** The same, in this process's memory. It takes the place of `storage` wherever nothing has to last. */
export const memoryStorage: Layer.Layer<Layer.Success<ReturnType<typeof storage>>> = Layer.mergeAll(
  Layer.merge(MemorySiteErasure.layer, MemoryReadiness.layer).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Layer.mergeAll(MemoryAnalyticsRepo.layer, MemoryReports.layer).pipe(
          Layer.provideMerge(MemoryPageViews.layer())
        ),
        MemorySubmissionRepo.layer(),
        MemoryDecisions.layer(),
        MemorySiteDirectory.layer()
      )
    )
  ),
  MemoryWidgetTokens.layer.pipe(Layer.provideMerge(MemoryInstanceDirectory.layer())),
  MemoryVisitorSalts.layer
)

/** A limiter for all processes, made over this process's own, which counts while the other is away. */
const overOwn = (settings: Settings, shared: (fallback: RateLimiter["Service"]) => Layer.Layer<RateLimiter>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const own = yield* RateLimiter
      const fellBack = (yield* Metrics).counter("limiterFallbacks", {})
      return shared({
        take: (policy, key) => {
          fellBack()
          return own.take(policy, key)
        }
      })
    })
  ).pipe(Layer.provide(MemoryRateLimiter.layer({ maxKeys: settings.rateLimitMaxKeys })))

/** The limiter: this process's own, or, with `REDIS_URL`, one for all processes that falls back to this one's own. */
export const rateLimiter = (settings: Settings) =>
  Option.match(settings.redisUrl, {
    onNone: () => MemoryRateLimiter.layer({ maxKeys: settings.rateLimitMaxKeys }),
    onSome: (url) =>
      overOwn(settings, (fallback) =>
        Layer.unwrap(
          // The client for Redis is a seventh of all that a process loads, and most have no Redis.
          Effect.map(
            Effect.promise(() => import("./redis/RateLimiter.ts")),
            (Redis) => Redis.layer({ url, fallback })
          )
        )
      )
  })

/** The limiter of a worker: its primary's, or, with `REDIS_URL`, the one of all processes. */
export const workerRateLimiter = (settings: Settings, link: Link) =>
  Option.isSome(settings.redisUrl)
    ? rateLimiter(settings)
    : overOwn(settings, (fallback) => ClusterRateLimiter.layer({ link, fallback }))

/** An agent's bearer key, from the environment variable that its instance names. */
export const keyOf = (variable: string) =>
  Config.option(Config.Redacted(variable)).pipe(Effect.catchTag("ConfigError", () => Effect.succeedNone))

/** The agents: any OpenAI-compatible runtime. */
export const agent = (settings: Settings) =>
  LiveAgent.layer({ timeout: settings.agentTimeout, keyOf }).pipe(Layer.provide(NodeHttpClient.layerDispatcher))

/** What may stand around the service. */
export interface Around {
  /** Pages besides the endpoints. */
  readonly pages: Layer.Layer<never, never, HttpRouter.HttpRouter>
  /** Takes what comes in and goes out, and gives it on. */
  readonly eyes: Layer.Layer<Watched, never, Watched>
}

type Watched = AnalyticsRepoService | SubmissionRepoService | AgentStream

/** What is otherwise in a process that is one of many. */
export interface Worker {
  /** Makes the server, which listens nowhere itself. */
  readonly create: Server.Create
  /** Counts for all of them. */
  readonly limiter: Layer.Layer<RateLimiter>
}

/** The service, listening; over what it stores with. */
export const server = (
  settings: Settings,
  listen: { readonly host: string; readonly port: number } = settings,
  around?: Around,
  worker?: Worker
) => {
  const live = agent(settings)
  return Server.layer(settings, listen, around?.pages, worker?.create).pipe(
    Layer.provide([
      worker?.limiter ?? rateLimiter(settings),
      around === undefined ? live : Layer.provide(around.eyes, live)
    ])
  )
}

/** The service on PostgreSQL, with the upkeep that its tables need; over `storage`, and over `database`. */
export const live = (settings: Settings, around?: Around, worker?: Worker) =>
  Layer.merge(
    server(settings, settings, around, worker),
    Maintenance.layer({ pageViews: settings.retentionPageViews, submissions: settings.retentionSubmissions })
  )
