/**
 * Diagnoses an installation from collected facts. Pure: callers collect the facts.
 *
 * @module
 */

import type { MailFacts } from "../../delivery/mail/Mailer.ts"
import * as ConnectionBounds from "../../platform/limits/ConnectionBounds.ts"
import * as Certificate from "../../platform/outward/Certificate.ts"
import type * as DatabaseUrl from "../../platform/postgres/DatabaseUrl.ts"
import { type AnalyticsFacts, ofAnalytics } from "./AnalyticsDiagnosis.ts"
import { type DatabaseFacts, ofDatabase, ofReader, type ReaderFacts } from "./DatabaseDiagnosis.ts"
import { type AgentsFacts, ofAgents, ofMail, ofWebhooks, type WebhookFacts } from "./DeliveryDiagnosis.ts"
import { type Finding, ofRows, ok } from "./Finding.ts"

export interface ConnectionFacts {
  /** The files and sockets that a process may open; `Infinity` if that is not limited. */
  readonly descriptors: number
  /** `DATABASE_CONNECTIONS`. */
  readonly databaseConnections: number
  /** `CONNECTIONS_PER_ADDRESS`; null for `off`. */
  readonly perAddress: number | null
}

export type RedisFacts =
  /** `reason` is an error code or a message of this program, without a host or URL. */
  | { readonly _tag: "Unavailable"; readonly reason: string; readonly fault?: string | undefined }
  | { readonly _tag: "Counted"; readonly roundTripMillis: number }

/** A request that a proxy forwards, and the IP address of the client that the request is attributed to. */
export interface ProxyFacts {
  /** The IP address of the connection's peer. */
  readonly peer: string
  readonly forwardedFor: string
  readonly client: string
  readonly isTrusted: boolean
}

export interface InstallationFacts {
  readonly database: DatabaseFacts
  readonly transport: DatabaseUrl.Transport
  /** Null without `DATABASE_READ_URL`. */
  readonly reader: ReaderFacts | null
  /** Null without `ANALYTICS_URL`. */
  readonly analytics: AnalyticsFacts | null
  readonly connections: ConnectionFacts
  /** Null without `REDIS_URL`. */
  readonly redis: RedisFacts | null
  /** The request that the operator asks about; null for none. */
  readonly proxy: ProxyFacts | null
  /** Null if the webhooks could not be read. */
  readonly webhooks: WebhookFacts | null
  /** Null without `SMTP_URL`. */
  readonly mail: MailFacts | null
  /** Null if the instances could not be read. */
  readonly agents: AgentsFacts | null
}

/** Fewer connections are easily used up: with the default of `CONNECTIONS_PER_ADDRESS`, by ten addresses. */
const minTotal = 1_000

/** The maximum share of the connections that one address should hold. */
const maxShare = 1 / 4

const ofConnections = ({ databaseConnections, descriptors, perAddress }: ConnectionFacts): ReadonlyArray<Finding> => {
  const total = ConnectionBounds.totalOf(descriptors, databaseConnections)
  const limit = `A process may open ${descriptors} files and sockets here, so it accepts up to ${total} connections`
  const held = Math.min(perAddress ?? total, total)
  return ofRows(ok("connections", "A few addresses cannot use up the connections that a process accepts."), [
    [
      total < minTotal,
      "warning",
      "connections",
      `${limit}.`,
      "Raise the limit of open files for the service: `ulimit -n 65536`, or LimitNOFILE=65536 in a systemd unit."
    ],
    [
      total >= minTotal && Number.isFinite(total) && held > total * maxShare,
      "warning",
      "connections",
      `${limit}, and one address may hold ${held} of them.`,
      `Set CONNECTIONS_PER_ADDRESS to ${Math.floor(total * maxShare)} or less, unless all connections come from trusted proxies.`
    ]
  ])
}

const ofRedis = (facts: RedisFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  if (facts._tag === "Counted") return [ok("redis", `Redis counted a request in ${facts.roundTripMillis} ms.`)]
  const fault = Certificate.faults.find((one) => one === facts.fault)
  return [
    {
      check: "redis",
      severity: "problem",
      finding: `Redis cannot be used (${facts.reason}); until it can, each process applies the rate limits alone.`,
      advice:
        fault === undefined
          ? "Check that Redis runs and accepts writes, and that REDIS_URL is right."
          : Certificate.adviceSentence(fault, "REDIS_URL")
    }
  ]
}

const ofProxy = (facts: ProxyFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  const { client, forwardedFor, isTrusted, peer } = facts
  return ofRows(
    ok("proxies", `A request from ${peer} with "X-Forwarded-For: ${forwardedFor}" is attributed to ${client}.`),
    [
      [
        !isTrusted,
        "warning",
        "proxies",
        `${peer} is not a trusted proxy: a request from it is attributed to ${client}, and X-Forwarded-For is ignored.`,
        "If it is your proxy, add its network to TRUSTED_PROXIES."
      ]
    ]
  )
}

/** The findings in the order in which to fix them. */
export const diagnose = (facts: InstallationFacts): ReadonlyArray<Finding> => [
  ...ofDatabase(facts.database, facts.transport),
  ...ofReader(facts.reader),
  ...ofAnalytics(facts.analytics),
  ...ofConnections(facts.connections),
  ...ofRedis(facts.redis),
  ...ofProxy(facts.proxy),
  ...ofWebhooks(facts.webhooks),
  ...ofMail(facts.mail),
  ...ofAgents(facts.agents)
]

/** Whether no finding is a problem. There may be warnings. */
export const isHealthy = (findings: ReadonlyArray<Finding>): boolean =>
  findings.every(({ severity }) => severity !== "problem")
