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
import * as Server from "./http/Server.ts"
import * as MemoryAnalyticsRepo from "./memory/AnalyticsRepo.ts"
import * as MemoryDecisions from "./memory/Decisions.ts"
import * as MemoryInstanceDirectory from "./memory/InstanceDirectory.ts"
import * as MemoryPageViews from "./memory/PageViews.ts"
import * as MemoryRateLimiter from "./memory/RateLimiter.ts"
import * as MemoryReadiness from "./memory/Readiness.ts"
import * as MemoryReports from "./memory/Reports.ts"
import * as MemorySiteDirectory from "./memory/SiteDirectory.ts"
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
import * as SubmissionRepo from "./postgres/SubmissionRepo.ts"
import * as VisitorSalts from "./postgres/VisitorSalts.ts"
import * as WidgetTokens from "./postgres/WidgetTokens.ts"
import type { AgentStream } from "./services/AgentStream.ts"
import type { AnalyticsRepo as AnalyticsRepoService } from "./services/AnalyticsRepo.ts"
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
    InstanceDirectory.layer({ timeout }),
    WidgetTokens.layer({ timeout }),
    VisitorSalts.layer({ timeout }),
    Reports.layer({ timeout: "5 minutes" }),
    Decisions.layer({ timeout }),
    Readiness.layer
  )
}

/** The same, in this process's memory. It takes the place of `storage` wherever nothing has to last. */
export const memoryStorage = Layer.mergeAll(
  Layer.mergeAll(MemoryAnalyticsRepo.layer, MemoryReports.layer).pipe(Layer.provide(MemoryPageViews.layer())),
  MemorySubmissionRepo.layer(),
  MemoryDecisions.layer(),
  MemorySiteDirectory.layer(),
  MemoryWidgetTokens.layer.pipe(Layer.provideMerge(MemoryInstanceDirectory.layer())),
  MemoryVisitorSalts.layer,
  MemoryReadiness.layer
)

/** The limiter: this process's own, or, with `REDIS_URL`, one for all processes that falls back to this one's own. */
export const rateLimiter = (settings: Settings) => {
  const memory = MemoryRateLimiter.layer({ maxKeys: settings.rateLimitMaxKeys })
  return Option.match(settings.redisUrl, {
    onNone: () => memory,
    onSome: (url) =>
      Layer.unwrap(
        Effect.gen(function* () {
          const fallback = yield* RateLimiter
          // The client for Redis is a seventh of all that a process loads, and most have no Redis.
          const Redis = yield* Effect.promise(() => import("./redis/RateLimiter.ts"))
          return Redis.layer({ url, fallback })
        })
      ).pipe(Layer.provide(memory))
  })
}

/** An agent's bearer key, from the environment variable that its instance names. */
export const keyOf = (variable: string) =>
  Config.option(Config.Redacted(variable)).pipe(Effect.catchTag("ConfigError", () => Effect.succeedNone))

/** The agents: any OpenAI-compatible runtime. */
export const agent = (settings: Settings) =>
  LiveAgent.layer({ timeout: settings.agentTimeout, keyOf }).pipe(Layer.provide(NodeHttpClient.layerUndici))

/** What may stand around the service. */
export interface Around {
  /** Pages besides the endpoints. */
  readonly pages: Layer.Layer<never, never, HttpRouter.HttpRouter>
  /** Takes what comes in and goes out, and gives it on. */
  readonly eyes: Layer.Layer<Watched, never, Watched>
}

type Watched = AnalyticsRepoService | SubmissionRepoService | AgentStream

/** The service, listening; over what it stores with. */
export const server = (
  settings: Settings,
  listen: { readonly host: string; readonly port: number } = settings,
  around?: Around
) => {
  const live = agent(settings)
  return Server.layer(settings, listen, around?.pages).pipe(
    Layer.provide([rateLimiter(settings), around === undefined ? live : Layer.provide(around.eyes, live)])
  )
}

/** The service on PostgreSQL, with the upkeep that its tables need; over `database`. */
export const live = (settings: Settings, around?: Around) => {
  const stored = storage(settings)
  return Layer.mergeAll(server(settings, settings, around), Maintenance.layer).pipe(Layer.provideMerge(stored))
}
