/**
 * Every setting, with its default and its meaning. Settings come from the environment. An invalid value stops the start
 * with an error that names the variable. No other module reads the environment, except for the agents' keys, whose variables
 * the instances name.
 *
 * @module
 */
import { Config, ConfigProvider, Duration, Effect, LogLevel, Option, Redacted, Result } from "effect"
import * as Mailer from "./delivery/mail/Mailer.ts"
import * as AnalyticsUrl from "./platform/clickhouse/AnalyticsUrl.ts"
import * as Host from "./platform/http/Host.ts"
import { isLoopback } from "./platform/http/Host.ts"
import * as RateLimit from "./platform/limits/RateLimit.ts"
import * as AddressGuard from "./platform/outward/AddressGuard.ts"
import * as Sealing from "./platform/secrets/Sealing.ts"
import * as Environment from "./platform/settings/Environment.ts"
import {
  all,
  bytes,
  collector,
  countOrOff,
  duration,
  durationOrOff,
  errorsOf,
  host as hostSetting,
  ifSet,
  integer,
  invalid,
  keyValues,
  networks,
  onOrOff,
  orOff,
  parseBaseUrl,
  parsed,
  positiveDuration,
  databaseUrl as postgresUrl,
  redisUrl,
  required,
  setting,
  text,
  withDefault
} from "./platform/settings/Setting.ts"
import * as MailAddress from "./platform/text/MailAddress.ts"
import * as Retention from "./sites/Retention.ts"

/** How many times the limit of one address all addresses of an IPv6 /48 have together. */
const networkFactor = countOrOff("RATE_LIMIT_NETWORK").pipe(withDefault(Option.some(100)))

const rateLimit = (name: string, policy: string, defaultValue: string) =>
  all([
    setting(
      name,
      `"off" or a number from 1 to ${RateLimit.maxLimit} per second, minute, hour or day, such as "100/minute"`,
      orOff((value) => RateLimit.parse(policy, value))
    ).pipe(withDefault(RateLimit.parse(policy, defaultValue))),
    networkFactor
  ]).pipe(
    Config.map(([limit, factor]) =>
      Option.map(limit, (limited) =>
        Option.match(factor, {
          onNone: () => limited,
          onSome: (times) => RateLimit.withNetworkLimit(limited, times)
        })
      )
    )
  )

const rateLimitAnalytics = rateLimit("RATE_LIMIT_ANALYTICS", "analytics", "100/minute")
const rateLimitForms = rateLimit("RATE_LIMIT_FORMS", "forms", "5/minute")
const rateLimitChat = rateLimit("RATE_LIMIT_CHAT", "chat", "20/minute")

/** How long records are kept; `off` keeps them forever. */
const retention = (name: string, defaultValue: Option.Option<Retention.Retention> = Option.none()) =>
  setting(
    name,
    '"off" or a whole number of days or months such as "90 days" or "25 months"',
    orOff(Retention.parse)
  ).pipe(withDefault(defaultValue))

const trustedProxies = networks("TRUSTED_PROXIES")

/** The name of a header that only trusted proxies may send. */
const geoHeader = all([
  trustedProxies,
  parsed("GEO_HEADER", (name) =>
    /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name)
      ? Result.succeed(name)
      : Result.fail("is not the name of a header; it must be one such as cf-ipcountry.")
  )
]).pipe(
  Config.mapEffect(([proxies, name]) =>
    Option.isSome(name) && proxies.length === 0
      ? invalid("GEO_HEADER", "needs TRUSTED_PROXIES, since anyone else could send the header too.")
      : Effect.succeed(name)
  )
)

/** The parent-based samplers of OpenTelemetry. */
const samplers = ["parentbased_traceidratio", "parentbased_always_on", "parentbased_always_off"] as const

/** The share of requests without a parent that start a trace. */
const traceRatio = all([
  setting("OTEL_TRACES_SAMPLER", `one of ${samplers.join(", ")}`, (value) =>
    Option.fromNullishOr(samplers.find((sampler) => sampler === value))
  ).pipe(withDefault<(typeof samplers)[number]>("parentbased_traceidratio")),
  setting("OTEL_TRACES_SAMPLER_ARG", "a number from 0 to 1", (value) =>
    /^(0|1|[01]?\.[0-9]+)$/.test(value) && Number(value) <= 1 ? Option.some(Number(value)) : Option.none()
  ).pipe(withDefault(1))
]).pipe(
  Config.map(([sampler, ratio]) =>
    sampler === "parentbased_traceidratio" ? ratio : sampler === "parentbased_always_on" ? 1 : 0
  )
)

const protocols = ["http/protobuf", "http/json"] as const

/** The export of traces, logs and metrics. The other variables are read only if there is an endpoint. */
const otlp = ifSet("OTEL_EXPORTER_OTLP_ENDPOINT", collector, (endpoint) =>
  all({
    endpoint,
    protocol: setting("OTEL_EXPORTER_OTLP_PROTOCOL", protocols.join(" or "), (value) =>
      Option.fromNullishOr(protocols.find((protocol) => protocol === value))
    ).pipe(withDefault<(typeof protocols)[number]>("http/protobuf")),
    headers: Config.map(keyValues("OTEL_EXPORTER_OTLP_HEADERS", true), (headers) => Redacted.make(headers)),
    serviceName: text("OTEL_SERVICE_NAME").pipe(withDefault("hydracore-edge")),
    resourceAttributes: keyValues("OTEL_RESOURCE_ATTRIBUTES", false),
    traceRatio
  })
)

const logLevel = setting("LOG_LEVEL", `one of ${LogLevel.values.join(", ").toLowerCase()}`, (value) =>
  Option.fromNullishOr(LogLevel.values.find((level) => level.toLowerCase() === value.toLowerCase()))
).pipe(withDefault<LogLevel.LogLevel>("Info"))

/** `HYDRACORE_DATA_DIR` where it is not set. */
export const defaultDataDir = ".hydracore"

const host = hostSetting("HOST").pipe(withDefault("127.0.0.1"))
const port = integer("PORT", 0, 65_535).pipe(withDefault(8080))

const sessionIdle = setting("SESSION_IDLE", 'a time of an hour or more, such as "12 hours" or "30 days"', (value) =>
  Option.filter(positiveDuration(value), Duration.isGreaterThanOrEqualTo(Duration.hours(1)))
)

const ownerApi = onOrOff("OWNER_API")
const ownerHost = hostSetting("OWNER_HOST").pipe(withDefault("127.0.0.1"))
const ownerPort = integer("OWNER_PORT", 0, 65_535)

const metricsHost = hostSetting("METRICS_HOST").pipe(withDefault("127.0.0.1"))
const metricsPort = integer("METRICS_PORT", 0, 65_535)

/** Whether the console is served. It uses the owner API of its own origin. */
const console = all([ownerApi, ownerPort, onOrOff("CONSOLE")]).pipe(
  Config.mapEffect(([api, port, isOn]) =>
    Option.contains(isOn, true) && Option.contains(api, false) && Option.isNone(port)
      ? invalid("CONSOLE", "needs the owner API: set OWNER_PORT, or leave out OWNER_API=off.")
      : Effect.succeed(isOn)
  )
)

/**
 * Whether `PORT` serves the owner API. If `OWNER_API` is not set: false with `OWNER_PORT`, else true if `PORT` serves the console, else
 * `defaultValue`.
 */
const ownerApiOnPort = (hasConsole: Config.Config<boolean>, defaultValue: Config.Config<boolean>) =>
  Config.map(all([ownerApi, hasConsole, ownerPort, defaultValue]), ([ownerApi, hasConsole, port, isOnByDefault]) =>
    Option.getOrElse(ownerApi, () => Option.isNone(port) && (hasConsole || isOnByDefault))
  )

/** `postgres://user:password@host:port/database`. `serve` needs it; `demo` always uses its own database. */
export const databaseUrl = postgresUrl("DATABASE_URL")

/** The owner key with which commands call a running service (`--url`). The service itself does not read it. */
export const ownerKey = Config.map(
  text("HYDRACORE_KEY"),
  Option.map((key) => Redacted.make(key))
)

/** The path of a country database in MaxMind's format (`.mmdb`). */
export const geoDatabase = text("GEO_DATABASE")

/** The fault of an unset variable that is required if `SMTP_URL` is set. */
const missing = "is not set; mail needs it, since SMTP_URL is set."

/** The URL of the service without a trailing slash. */
const parsePublicUrl = (text: string): Option.Option<string> =>
  Option.map(parseBaseUrl(text), (url) => url.replace(/\/+$/, ""))

const publicUrl = setting(
  "PUBLIC_URL",
  "the service's address for browsers, such as https://edge.example.com",
  parsePublicUrl
)

/** The server, the sender and the links of mails. The other variables are read only if there is a server. */
const mail = ifSet(
  "SMTP_URL",
  (name) => parsed(name, Mailer.parseUrl),
  (server) =>
    all({
      server: Config.map(server, (parsed) => Redacted.make(parsed)),
      from: setting(
        "MAIL_FROM",
        'an address such as mail@example.com or "Example <mail@example.com>"',
        MailAddress.parseMailbox
      ).pipe(required("MAIL_FROM", missing)),
      publicUrl: publicUrl.pipe(required("PUBLIC_URL", missing))
    })
)

const secretsKey = Config.map(
  setting("SECRETS_KEY", "32 bytes in hexadecimal or base64", Sealing.parseKey, true),
  Option.map((key) => Redacted.make(key))
)

/** Fails if mails could not be sent because `SECRETS_KEY` is missing. The embedded database has a key of its own. */
const keyForMail = all([text("SMTP_URL"), text("DATABASE_URL"), secretsKey]).pipe(
  Config.mapEffect(([server, database, key]) =>
    Option.isSome(server) && Option.isSome(database) && Option.isNone(key)
      ? invalid("SECRETS_KEY", `${missing} Set it to 32 random bytes in hexadecimal.`)
      : Effect.void
  )
)

/** Every setting, by its name in the code. */
const fields = {
  /** The address to listen on: a host and a TCP port (0 for any free one). */
  host,
  port,

  databaseUrl,
  /** The database that reports read, such as a replica; without it, `databaseUrl`. */
  databaseReadUrl: postgresUrl("DATABASE_READ_URL", "prefer-standby"),
  /** The maximum number of connections for requests in each process or worker. Batches, reports and rollups have their own. */
  databaseConnections: integer("DATABASE_CONNECTIONS", 1, 1000).pipe(withDefault(8)),
  /** How long a request waits for the database before it gets a 503. */
  databaseTimeout: duration("DATABASE_TIMEOUT").pipe(withDefault(Duration.seconds(10))),
  /** The maximum number of requests that wait for one kind of batch; further ones get a 503. */
  databaseQueue: integer("DATABASE_QUEUE", 1, 10_000_000).pipe(withDefault(50_000)),

  /** The maximum number of websites that a process keeps in memory by each of their ids, and as many forms, instances and tokens. */
  siteCache: integer("SITE_CACHE", 1, 10_000_000).pipe(withDefault(100_000)),

  /** The time limit of one report. Then the database cancels the report and the caller gets an error. */
  reportTimeout: duration("REPORT_TIMEOUT").pipe(withDefault(Duration.seconds(10))),

  /** The minimum time that page views, bot views, events, conversions and decision counts are kept. They are deleted by month. */
  retentionPageViews: retention("RETENTION_PAGE_VIEWS"),
  retentionSubmissions: retention("RETENTION_SUBMISSIONS"),
  /** How long a conversation is kept after its last message. */
  retentionConversations: retention("RETENTION_CONVERSATIONS", Retention.parse("30 days")),

  /** The address of `GET /metrics`, without authentication; it is served only if the port is set. */
  metricsHost,
  metricsPort,

  otlp,

  /**
   * `redis://host:port`, or Sentinels as in `platform/redis/RedisUrl`: one rate limiter for many processes. Without it, each
   * `serve` has its own, which its workers share.
   */
  redisUrl: redisUrl("REDIS_URL"),
  /** The networks of the reverse proxies whose `X-Forwarded-For` is trusted. */
  trustedProxies,

  geoDatabase,
  /** The header in which a trusted proxy names the client's country. */
  geoHeader,

  /** The folder of the demo's database and `demo.json`. */
  dataDir: text("HYDRACORE_DATA_DIR").pipe(withDefault(defaultDataDir)),
  logLevel,

  /** Whether the owner API is served on `PORT` too. */
  ownerApi: ownerApiOnPort(withDefault(false)(console), Config.succeed(false)),
  /** Whether the console is served: on `OWNER_PORT` if that is set, else on `PORT`. */
  console: withDefault(false)(console),
  /** How long a session of the console lasts without use. */
  sessionIdle: sessionIdle.pipe(withDefault(Duration.days(30))),
  /** The address of the owner API's own server, which runs only if the port is set. */
  ownerHost,
  ownerPort,
  /** For each key of the owner API. */
  rateLimitOwner: rateLimit("RATE_LIMIT_OWNER", "owner", "600/minute"),

  /**
   * `clickhouse://user:password@host:8123/database`, or `clickhouses://`: the store of page views, events and conversions.
   * Without it they are in the database of `DATABASE_URL`.
   */
  analyticsUrl: parsed("ANALYTICS_URL", (value) =>
    Result.map(AnalyticsUrl.parse(value), (address) => Redacted.make(address))
  ),
  /** The minimum time between two batches of a kind that a process sends to ClickHouse. A page view waits for its batch. */
  analyticsInterval: duration("ANALYTICS_INTERVAL").pipe(withDefault(Duration.millis(500))),

  /** Whether this process delivers events to webhooks and sends mails. */
  delivery: onOrOff("DELIVERY").pipe(withDefault(true)),
  /**
   * The key that encrypts the secrets of webhooks and the keys of agents, and signs unsubscribe links. Without it there are
   * neither webhooks nor mails.
   */
  secretsKey,
  /** Hosts and ports that webhooks may name although they are not on the public internet. */
  webhookAllow: parsed("WEBHOOK_ALLOW", AddressGuard.parseAllowed).pipe(
    withDefault<ReadonlyArray<AddressGuard.AllowedHost>>([])
  ),
  /** The service's address for browsers, without a trailing slash: in mails, and in what commands print. */
  publicUrl,
  mail,

  rateLimitAnalytics,
  rateLimitForms,
  rateLimitChat,
  /** For the other requests of a widget: resuming, stopping, reading and rating. */
  rateLimitChatRead: rateLimit("RATE_LIMIT_CHAT_READ", "chat-read", "120/minute"),
  /** The maximum number of open chat streams of one process, per client and per instance. */
  chatStreams: Config.map(
    all([rateLimitChat, countOrOff("CHAT_STREAMS_PER_ADDRESS"), countOrOff("CHAT_STREAMS_PER_INSTANCE")]),
    ([limit, perAddress, perInstance]) => {
      // A load test that turns the chat's rate limit off needs these limits off too, unless they are set.
      const defaultValue = (number: number) => () => Option.as(limit, number)
      return {
        perAddress: Option.getOrElse(perAddress, defaultValue(20)),
        perInstance: Option.getOrElse(perInstance, defaultValue(200))
      }
    }
  ),
  /** The maximum number of connections of one address over all workers; trusted proxies are exempt. */
  connectionsPerAddress: Config.map(
    all([countOrOff("CONNECTIONS_PER_ADDRESS"), rateLimitAnalytics, rateLimitForms, rateLimitChat]),
    // Without rate limits, as in a load test, all connections come from a few addresses.
    ([perAddress, ...limits]) =>
      Option.getOrElse(perAddress, () => (limits.some(Option.isSome) ? Option.some(100) : Option.none<number>()))
  ),
  /** The maximum number of clients that the in-memory limiter tracks; it evicts the least recently used. */
  rateLimitMaxKeys: integer("RATE_LIMIT_MAX_KEYS", 1, 100_000_000).pipe(withDefault(200_000)),

  /** The maximum size of a request body, in bytes. */
  maxBody: bytes("MAX_BODY").pipe(withDefault(256 * 1024)),

  /** How long an agent may be silent: before its response, and between two events of its stream. */
  agentTimeout: duration("AGENT_TIMEOUT").pipe(withDefault(Duration.seconds(60))),
  /** The maximum duration of a chat stream. */
  chatMaxDuration: duration("CHAT_MAX_DURATION").pipe(withDefault(Duration.minutes(15))),
  /** How long an answer with memory continues without a reader; `off` ends it when its last reader leaves. */
  chatResume: durationOrOff("CHAT_RESUME").pipe(withDefault(Option.some(Duration.seconds(60)))),
  /** The maximum length of the text of a chat stream, in bytes. */
  chatMaxBytes: bytes("CHAT_MAX_BYTES").pipe(withDefault(1024 * 1024)),
  /** How long the process still listens after SIGTERM, while `/readyz` answers 503; `off` stops listening at once. */
  drainDelay: durationOrOff("DRAIN_DELAY").pipe(withDefault(Option.none<Duration.Duration>())),
  /** How long open requests and streams may continue after the process stopped listening. */
  shutdownGrace: duration("SHUTDOWN_GRACE").pipe(withDefault(Duration.seconds(10)))
}

/** Fails if the servers of two ports would listen on the same one. Port 0 is a free one. */
const distinctPorts = (
  [name, host, port]: readonly [string, Config.Config<string>, Config.Config<Option.Option<number>>],
  [otherName, otherHost, otherPort]: readonly [string, Config.Config<string>, Config.Config<Option.Option<number>>]
) =>
  all([host, port, otherHost, otherPort]).pipe(
    Config.mapEffect(([host, port, otherHost, otherPort]) =>
      Option.isSome(port) && port.value !== 0 && Option.contains(otherPort, port.value) && Host.overlap(host, otherHost)
        ? invalid(name, `and ${otherName} are both ${port.value}; set one of them to another port.`)
        : Effect.void
    )
  )

const publicServer = ["PORT", host, Config.map(port, Option.some)] as const
const ownerServer = ["OWNER_PORT", ownerHost, ownerPort] as const
const metricsServer = ["METRICS_PORT", metricsHost, metricsPort] as const

/** All settings of the service. The error is about all settings that are not valid; `errorsOf` returns the error of each. */
export const Settings = Config.map(
  all([
    all(fields),
    keyForMail,
    distinctPorts(ownerServer, publicServer),
    distinctPorts(metricsServer, publicServer),
    distinctPorts(metricsServer, ownerServer)
  ]),
  ([settings]) => settings
)

export type Settings = Config.Success<typeof Settings>

/** The error of each invalid setting; empty if all are valid. */
export const faults: Effect.Effect<ReadonlyArray<Config.ConfigError>> = Effect.match(Settings, {
  onFailure: errorsOf,
  onSuccess: () => []
})

/** The names of all settings, and of the variables that name their files. */
const names: Effect.Effect<ReadonlySet<string>> = Effect.gen(function* () {
  const loaded: Array<string> = []
  // Each setting has a value, so that those that need another one are read too.
  const provider = ConfigProvider.make((path) => {
    loaded.push(path.join("_"))
    return Effect.succeed(ConfigProvider.makeValue("set"))
  })
  yield* Effect.exit(Settings.parse(provider))
  return new Set(loaded.flatMap((name) => [name, Environment.variableOf(name)]))
})

/** The names of all variables with a value. */
const variables = (
  provider: ConfigProvider.ConfigProvider,
  path: ConfigProvider.Path = []
): Effect.Effect<ReadonlyArray<string>> =>
  provider.load(path).pipe(
    // A file that cannot be read is one of `faults`.
    Effect.catch(() => Effect.succeed(undefined)),
    Effect.flatMap((node) => {
      const own = node?.value === undefined ? [] : [path.join("_")]
      return node?._tag === "Record"
        ? Effect.map(
            Effect.forEach(node.keys, (key) => variables(provider, [...path, key])),
            (names) => [...own, ...names.flat()]
          )
        : Effect.succeed(own)
    })
  )

/** The variables in the environment that are probably misspelt settings. */
export const unknownSettings: Effect.Effect<ReadonlyArray<Environment.UnknownSetting>> = Effect.gen(function* () {
  const provider = yield* ConfigProvider.ConfigProvider
  return Environment.unknown(yield* variables(provider), yield* names)
})

/** Variables that `demo` ignores: it must not write into another deployment's database. */
const ignoredByDemo = ["DATABASE_URL", "DATABASE_READ_URL", "ANALYTICS_URL", "REDIS_URL"] as const

const none = Config.succeed(Option.none<Redacted.Redacted>())

/** Whether only this machine can reach the demo. The owner API and the console are on then, unless the settings say otherwise. */
const isLocalDemo = Config.map(host, isLoopback)

const demoConsole = Config.map(all([console, ownerApi, ownerPort, isLocalDemo]), ([isOn, api, port, isLocal]) =>
  Option.getOrElse(isOn, () => isLocal && (!Option.contains(api, false) || Option.isSome(port)))
)

/** The settings of `demo`, and which of the ignored variables are set. */
export const DemoSettings = all({
  settings: all({
    ...fields,
    databaseUrl: none,
    databaseReadUrl: none,
    redisUrl: none,
    analyticsUrl: Config.succeed(Option.none()),
    ownerApi: ownerApiOnPort(demoConsole, isLocalDemo),
    console: demoConsole
  }),
  unused: Config.map(Config.all(ignoredByDemo.map((name) => text(name))), (values) =>
    ignoredByDemo.filter((_, index) => Option.isSome(values[index] ?? Option.none()))
  )
})
