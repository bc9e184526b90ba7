/**
 * Composes the service. This module and `Stores.ts` alone choose between implementations of a service.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Config, Effect, Layer, Option, Redacted, Stream } from "effect"
import manifest from "../package.json" with { type: "json" }
import type { AnalyticsRepo as AnalyticsRepoService } from "./analytics/AnalyticsRepo.ts"
import * as Leads from "./analytics/postgres/Leads.ts"
import * as RollUpLoop from "./analytics/reports/postgres/RollUpLoop.ts"
import type { Reports as ReportsService } from "./analytics/reports/Reports.ts"
import type { Settings } from "./Config.ts"
import { AgentFailures } from "./chat/AgentFailures.ts"
import { AgentStream } from "./chat/AgentStream.ts"
import type { Options as AgentClientOptions } from "./chat/agent/AgentClient.ts"
import { TokenBudget } from "./chat/TokenBudget.ts"
import * as Dispatcher from "./delivery/Dispatcher.ts"
import * as MailDispatcher from "./delivery/mail/MailDispatcher.ts"
import * as Invitations from "./delivery/mail/MailedInvitations.ts"
import * as Mailer from "./delivery/mail/Mailer.ts"
import { MailServer } from "./delivery/mail/Mailer.ts"
import type { Notifications as NotificationsService } from "./delivery/mail/Notification.ts"
import * as Mails from "./delivery/mail/postgres/Mails.ts"
import type { Replies as RepliesService } from "./delivery/mail/Reply.ts"
import type { SubmissionRepo as SubmissionRepoService } from "./forms/SubmissionRepo.ts"
import type { Problems as ProblemsService } from "./health/Problem.ts"
import * as ProblemMails from "./health/postgres/ProblemMails.ts"
import type { Link } from "./platform/cluster/Protocol.ts"
import * as ClusterRateLimiter from "./platform/cluster/RateLimiter.ts"
import type * as NodeServer from "./platform/http/NodeServer.ts"
import * as ConnectionBounds from "./platform/limits/ConnectionBounds.ts"
import { DescriptorLimit } from "./platform/limits/ConnectionBounds.ts"
import { layerMemory, type RateLimiter, withFallback } from "./platform/limits/RateLimit.ts"
import * as OutwardClient from "./platform/outward/OutwardClient.ts"
import * as Database from "./platform/postgres/Database.ts"
import * as LeftOver from "./platform/rounds/postgres/LeftOver.ts"
import { text } from "./platform/settings/Setting.ts"
import * as ServiceSpans from "./platform/telemetry/ServiceSpans.ts"
import * as Telemetry from "./platform/telemetry/Telemetry.ts"
import type { Persons as PersonsService } from "./privacy/Person.ts"
import * as Maintenance from "./privacy/postgres/Maintenance.ts"
import type * as OwnerServer from "./server/OwnerServer.ts"
import type * as Server from "./server/Server.ts"

export { storage } from "./Stores.ts"

/**
 * Loads a module when its layer is built, so that commands that do not need it start faster. The servers, and the HTTP client of
 * agents, are most of the code.
 */
const load = <A>(module: () => Promise<A>): Effect.Effect<A> => Effect.promise(module)

/** A database URL, or a Unix socket's path with a user and a database. */
export type DatabaseAddress = Omit<Database.Options, "connections">

/** The connection pool. */
export const database = (settings: Settings, address: DatabaseAddress) =>
  Database.layer({ ...address, connections: settings.databaseConnections, timeout: settings.databaseTimeout })

/** The client that sends to webhooks. One for the process, since it limits the connections that it keeps open. */
export const outwardClient = ({ webhookAllow: allowed }: Settings) => OutwardClient.layer({ allowed })

/** The mailer: none without `SMTP_URL`. */
export const mailer = ({ mail }: Pick<Settings, "mail">) =>
  Option.map(mail, ({ server }) => Mailer.makeSmtp({ server: Redacted.value(server) }))

/** The sender of mails and its server; none without `SMTP_URL` or a key. */
export const mail = (settings: Settings) => {
  const { console, mail, ownerPort, secretsKey } = settings
  return Option.map(
    Option.all({ mail, secretsKey, mailer: mailer(settings) }),
    ({ mail: { from, publicUrl }, mailer, secretsKey: key }) => ({
      sender: {
        from,
        publicUrl,
        // If the console has a port of its own, no setting holds its address.
        consoleUrl: console && Option.isNone(ownerPort) ? `${publicUrl}/console` : null,
        secretsKey: key
      },
      mailer
    })
  )
}

type Mail = ReturnType<typeof mail>

/** Mails links to the console, and has the server of mails. Requires `storage`. */
export const mails = (mailOption: Mail) => Layer.provideMerge(Invitations.layer, Layer.succeed(MailServer, mailOption))

/** Delivers in the background, unless `DELIVERY` is off. Requires `storage`, `database` and `outwardClient`. */
const deliver = (settings: Settings, mailOption: Mail) => {
  if (!settings.delivery) return Layer.empty
  const mails: Layer.Layer<
    never,
    never,
    NotificationsService | RepliesService | ReportsService | ProblemsService | PgClient
  > = Option.isNone(mailOption)
    ? MailDispatcher.warnWithoutServer
    : MailDispatcher.layer(mailOption.value, settings.webhookAllow).pipe(
        Layer.provide(Mails.layer({ secretsKey: mailOption.value.sender.secretsKey })),
        Layer.merge(ProblemMails.layer),
        // A broken installation shows when the process starts, and not at the first mail.
        Layer.merge(Layer.effectDiscard(load(Mailer.loadSmtp)))
      )
  return Layer.merge(Dispatcher.layer, mails)
}

/** The rate limiter: in memory, or with `REDIS_URL` in Redis, with the in-memory one as a fallback. */
export const rateLimiter = (settings: Settings) =>
  Option.match(settings.redisUrl, {
    onNone: () => layerMemory({ maxKeys: settings.rateLimitMaxKeys }),
    onSome: (url) =>
      withFallback({ maxKeys: settings.rateLimitMaxKeys }, (fallback) =>
        Layer.unwrap(
          Effect.map(
            load(() => import("./platform/redis/RateLimiter.ts")),
            (Redis) => Redis.layer({ url, fallback })
          )
        )
      )
  })

/** The rate limiter of a worker: the primary's or, with `REDIS_URL`, that in Redis, each with an in-memory fallback. */
export const workerRateLimiter = (settings: Settings, link: Link) =>
  Option.isSome(settings.redisUrl)
    ? rateLimiter(settings)
    : withFallback({ maxKeys: settings.rateLimitMaxKeys }, (fallback) => ClusterRateLimiter.layer({ link, fallback }))

/**
 * Reads an agent's key from the variable that its instance names. If the value comes from a file, it may end with a line break.
 */
export const keyOf = (variable: string) =>
  text(variable).pipe(
    Config.map(Option.map((key) => Redacted.make(key))),
    Effect.catchTag("ConfigError", (error) =>
      Effect.as(Effect.logWarning(`The key of an agent cannot be read: ${error.message}`), Option.none())
    )
  )

/** Whether metrics are served or exported. */
const isMeasured = (settings: Settings): boolean => Option.isSome(settings.metricsPort) || Option.isSome(settings.otlp)

/** The logger, the process metrics, and their export. */
export const telemetry = (settings: Settings, format: Telemetry.Options["format"]) =>
  Telemetry.layer({
    level: settings.logLevel,
    format,
    version: manifest.version,
    metrics: isMeasured(settings),
    otlp: settings.otlp
  })

/** The client of agents, whatever protocol an instance names. */
export const agent = (settings: Settings, services: Pick<AgentClientOptions, "record" | "budget"> = {}) =>
  Layer.unwrap(
    Effect.map(
      load(() => Promise.all([import("./chat/agent/AgentClient.ts"), import("@effect/platform-node/NodeHttpClient")])),
      ([AgentClient, NodeHttpClient]) =>
        AgentClient.layer({
          timeout: settings.agentTimeout,
          keyOf,
          secretsKey: settings.secretsKey,
          ...services
        }).pipe(Layer.provide(NodeHttpClient.layerDispatcher))
    )
  )

/** The client of agents, which each question builds: most commands ask none, and start faster without it. */
export const agentOnDemand = (settings: Settings) =>
  Layer.succeed(AgentStream, {
    stream: (request) =>
      Stream.unwrap(AgentStream.useSync(({ stream }) => stream(request))).pipe(Stream.provide(agent(settings)))
  })

/** What the demo adds to the service. */
export interface Extensions {
  /** Additional routes. */
  readonly pages: Server.AdditionalRoutes
  /** Decorates services, so that the demo can show traffic. */
  readonly observers: Layer.Layer<Observed, never, Observed>
}

type Observed = AnalyticsRepoService | SubmissionRepoService | PersonsService | AgentStream

/** What a worker process replaces. */
export interface Worker {
  /** The socket that the primary opened for all workers. */
  readonly listen: NodeServer.Listen
  /** The same for the owner API, if it has an address of its own. */
  readonly ownerListen: NodeServer.Listen | undefined
  /** The number of workers, which divide the connections that one address may open. */
  readonly workers: number
  /** The limiter that all workers share. */
  readonly limiter: Layer.Layer<RateLimiter>
}

/** The connection limits of a process that may open `descriptors` files and sockets. */
const connections = (settings: Settings, descriptors: number, workers: number): Server.Options["connections"] => ({
  total: ConnectionBounds.totalOf(descriptors, settings.databaseConnections),
  perAddress: Option.map(settings.connectionsPerAddress, (bound) => ConnectionBounds.perWorker(bound, workers))
})

export interface ServerOptions {
  readonly settings: Settings
  /** The address to listen on; without it, the one in the settings. Port 0 picks a free one. */
  readonly listen?: { readonly host: string; readonly port: number } | undefined
  readonly extensions?: Extensions | undefined
  readonly worker?: Worker | undefined
}

/** The maximum number of connections that the owner API's own server has open in each process. */
const maxOwnerConnections = 1_000

/** The owner API's own server, if it has a port. */
const ownerServer = (
  { settings, worker }: ServerOptions,
  common: Pick<OwnerServer.Options, "measured" | "traceRatio">
) =>
  Layer.unwrap(
    Effect.map(
      load(() => import("./server/OwnerServer.ts")),
      (OwnerServer) =>
        Option.match(settings.ownerPort, {
          onNone: () => OwnerServer.none,
          onSome: (port) =>
            OwnerServer.layer({
              ...settings,
              ...common,
              listen: worker?.ownerListen ?? { host: settings.ownerHost, port },
              connections: { total: maxOwnerConnections, perAddress: Option.none() }
            })
        })
    )
  )

/** The listening HTTP servers: the public one, and the owner API's own. Requires the repositories and `outwardClient`. */
export const server = (options: ServerOptions, mailOption: Mail = mail(options.settings)) => {
  const { extensions, listen, settings, worker } = options
  const agents = Layer.unwrap(
    Effect.zipWith(AgentFailures, TokenBudget, ({ record }, budget) => agent(settings, { record, budget }))
  )
  const traceRatio = Option.getOrUndefined(settings.otlp)?.traceRatio
  const common = { measured: isMeasured(settings), traceRatio }
  const publicServer = Layer.unwrap(
    Effect.zipWith(
      load(() => import("./server/Server.ts")),
      DescriptorLimit,
      (Server, descriptors) =>
        Server.layer({
          ...settings,
          ...common,
          listen: worker?.listen ?? listen ?? { host: settings.host, port: settings.port },
          // With a port of its own, the console is on that port alone.
          console: settings.console && Option.isNone(settings.ownerPort),
          routes: extensions?.pages,
          connections: connections(settings, descriptors, worker?.workers ?? 1)
        })
    )
  )
  return Layer.merge(publicServer, ownerServer(options, common)).pipe(
    Layer.provide([
      ServiceSpans.layer(Option.isSome(settings.otlp))(worker?.limiter ?? rateLimiter(settings)),
      mails(mailOption),
      Layer.unwrap(
        Effect.map(
          load(() => import("./server/Outages.ts")),
          ({ layer }) => layer
        )
      ),
      extensions === undefined ? agents : Layer.provide(extensions.observers, agents)
    ])
  )
}

/** Everything that runs in the background. Requires `storage`, `database` and `outwardClient`. */
export const background = (settings: Settings, mailOption: Mail = mail(settings)) => {
  const loops = Layer.mergeAll(
    Leads.rounds,
    // With ClickHouse, the reports have a loop of their own.
    Option.isNone(settings.analyticsUrl) ? RollUpLoop.layer : Layer.empty,
    deliver(settings, mailOption),
    Maintenance.layer({
      pageViews: settings.retentionPageViews,
      submissions: settings.retentionSubmissions,
      conversations: settings.retentionConversations
    })
  )
  return LeftOver.layer.pipe(Layer.provideMerge(loops))
}

/** The server on PostgreSQL, with everything that runs in the background. Requires `storage` and `database`. */
export const live = (options: ServerOptions) => {
  const { settings } = options
  const mailOption = mail(settings)
  return Layer.merge(server(options, mailOption), background(settings, mailOption)).pipe(
    Layer.provide(outwardClient(settings))
  )
}
