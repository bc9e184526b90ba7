/**
 * Describes what `serve` would do with its settings, for `serve --check`. Pure. No line contains a user, a password or a key.
 *
 * @module
 */
import { Duration, Option, Redacted, Result } from "effect"
import { IpNetwork } from "effect/net"
import type { Settings } from "../../Config.ts"
import type { RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import * as DatabaseUrl from "../../platform/postgres/DatabaseUrl.ts"
import * as RedisUrl from "../../platform/redis/RedisUrl.ts"
import type { Retention } from "../../sites/Retention.ts"

/** A subject and one clause about it. */
export type Line = readonly [subject: string, says: string]

const at = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`

const url = (host: string, port: number): string => `http://${at(host, port)}`

const transports: Record<DatabaseUrl.Transport, string> = {
  local: "on this machine",
  plain: "without TLS",
  tls: "with TLS",
  preferred: "with TLS if the server has it"
}

const ofDatabase = (text: Redacted.Redacted): string => {
  const address = new URL(Redacted.value(text))
  const hosts = Result.getOrElse(DatabaseUrl.hostsOf(address), () => [])
  const names = hosts.map(({ host, port }) => (host.startsWith("/") ? host : at(host, port))).join(", ")
  const wanted = DatabaseUrl.isRouted(address) ? `, the server that is ${DatabaseUrl.attributeOf(address)}` : ""
  return `PostgreSQL at ${names}, ${transports[DatabaseUrl.transportOf(address)]}${wanted}`
}

const ofRedis = (text: Redacted.Redacted): string =>
  Result.match(RedisUrl.parse(Redacted.value(text)), {
    onFailure: () => "in Redis",
    onSuccess: ({ hosts, master, tls }) => {
      const names = hosts.map(({ host, port }) => at(host, port)).join(", ")
      const server =
        master === undefined ? `Redis at ${names}` : `the Redis "${master.name}" of the Sentinels at ${names}`
      return `in ${server}, ${tls ? "with" : "without"} TLS`
    }
  })

const ofAnalytics = ({ analyticsInterval, analyticsUrl }: Settings): string =>
  Option.match(analyticsUrl, {
    onNone: () => "in the database",
    onSome: (address) => {
      const { database, url: server } = Redacted.value(address)
      return `in the database ${database} of ClickHouse at ${server}, in batches ${Duration.format(analyticsInterval)} apart`
    }
  })

const windows = new Map([
  [1_000, "a second"],
  [60_000, "a minute"],
  [3_600_000, "an hour"],
  [86_400_000, "a day"]
])

const ofLimit = (policy: Option.Option<RateLimitPolicy>): string =>
  Option.match(policy, {
    onNone: () => "no limit",
    onSome: ({ limit, windowMillis }) =>
      `${limit} ${windows.get(windowMillis) ?? Duration.format(Duration.millis(windowMillis))}`
  })

const ofRetention = (retention: Option.Option<Retention>): string =>
  Option.match(retention, { onNone: () => "forever", onSome: ({ count, unit }) => `for ${count} ${unit}` })

const ofOwnerApi = ({ console, ownerApi, ownerHost, ownerPort }: Settings): string => {
  const places = [
    ...(ownerApi ? ["with the public endpoints"] : []),
    ...Option.match(ownerPort, { onNone: () => [], onSome: (port) => [`on ${url(ownerHost, port)}`] })
  ]
  return places.length === 0 ? "off" : `${places.join(" and ")}, ${console ? "with" : "without"} the console`
}

const ofDelivery = ({ delivery, mail, secretsKey }: Settings): string => {
  if (!delivery) return "off in this process"
  if (Option.isNone(secretsKey)) return "no webhooks and no mails, since SECRETS_KEY is not set"
  return Option.match(mail, {
    onNone: () => "webhooks; no mails, since SMTP_URL is not set",
    onSome: ({ from, publicUrl }) => `webhooks, and mails from ${from.address} with links to ${publicUrl}`
  })
}

/** The lines about these settings. `workers` is null if this process serves alone. */
export const of = (settings: Settings, database: Redacted.Redacted, workers: number | null): ReadonlyArray<Line> => [
  [
    "listens",
    `on ${url(settings.host, settings.port)}, ${workers === null ? "in one process" : `in ${workers} workers`}`
  ],
  ["database", `${ofDatabase(database)}; ${settings.databaseConnections} connections per process for requests`],
  ["page views", ofAnalytics(settings)],
  [
    "reports",
    Option.match(settings.databaseReadUrl, {
      onNone: () => "read the same database",
      onSome: (reader) => `read ${ofDatabase(reader)}`
    })
  ],
  [
    "rate limits",
    `page views and events ${ofLimit(settings.rateLimitAnalytics)}, forms ${ofLimit(settings.rateLimitForms)}, chats ${ofLimit(settings.rateLimitChat)}, counted ${Option.match(
      settings.redisUrl,
      { onNone: () => (workers === null ? "in this process" : "for all workers together"), onSome: ofRedis }
    )}`
  ],
  [
    "proxies",
    settings.trustedProxies.length === 0
      ? "none is trusted: X-Forwarded-For is ignored"
      : `trusts ${settings.trustedProxies.map(IpNetwork.format).join(", ")}`
  ],
  [
    "keeps",
    `page views ${ofRetention(settings.retentionPageViews)}, submissions ${ofRetention(settings.retentionSubmissions)}, conversations ${ofRetention(settings.retentionConversations)}`
  ],
  ["owner API", ofOwnerApi(settings)],
  ["delivers", ofDelivery(settings)],
  [
    "metrics",
    Option.match(settings.metricsPort, {
      onNone: () => "off",
      onSome: (port) => `on ${url(settings.metricsHost, port)}/metrics`
    })
  ],
  ["traces", Option.match(settings.otlp, { onNone: () => "off", onSome: ({ endpoint }) => `to ${endpoint}` })]
]
