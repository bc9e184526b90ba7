/**
 * Diagnoses an installation from collected facts. Pure: callers collect the facts.
 *
 * @module
 */
import { type AgentsFacts, ofAgents } from "./AgentDiagnosis.ts"
import { type AnalyticsFacts, ofAnalytics } from "./AnalyticsDiagnosis.ts"
import { type ConnectionFacts, ofConnections } from "./ConnectionDiagnosis.ts"
import { type DatabaseFacts, ofDatabase } from "./DatabaseDiagnosis.ts"
import type * as DatabaseUrl from "./DatabaseUrl.ts"
import { type Finding, ok, warning } from "./Finding.ts"
import { type MailFacts, ofMail } from "./MailDiagnosis.ts"
import { ofReader, type ReaderFacts } from "./ReaderDiagnosis.ts"
import { type LimiterFacts, ofLimiter, ofRedis, type RedisFacts } from "./RedisDiagnosis.ts"
import { ofWebhooks, type WebhookFacts } from "./WebhookDiagnosis.ts"

/** A request that a proxy forwards, and the IP address of the client that the request is attributed to. */
export interface ProxyFacts {
  /** The IP address of the connection's peer. */
  readonly peer: string
  readonly forwardedFor: string
  readonly client: string
  readonly isTrusted: boolean
}

/** What the metrics of the running service show about `X-Forwarded-For`. */
export interface ForwardedFacts {
  /** How many requests since the service's start had an `X-Forwarded-For` and a sender that is not in `TRUSTED_PROXIES`. */
  readonly untrusted: number
}

export interface InstallationFacts {
  readonly database: DatabaseFacts
  readonly transport: DatabaseUrl.Transport
  readonly reader: ReaderFacts
  /** Null without `ANALYTICS_URL`. */
  readonly analytics: AnalyticsFacts | null
  readonly connections: ConnectionFacts
  readonly redis: RedisFacts
  /** Null if no service with `REDIS_URL` answers at `METRICS_PORT`. */
  readonly limiter: LimiterFacts | null
  readonly proxies: ReadonlyArray<ProxyFacts>
  /** Null if no service answers at `METRICS_PORT`. */
  readonly forwarded: ForwardedFacts | null
  /** Null if the webhooks could not be read. */
  readonly webhooks: WebhookFacts | null
  /** Null without `SMTP_URL`. */
  readonly mail: MailFacts | null
  /** Null if the instances could not be read. */
  readonly agents: AgentsFacts | null
}

const ofProxies = (facts: ReadonlyArray<ProxyFacts>): ReadonlyArray<Finding> =>
  facts.length === 0
    ? [
        warning(
          "proxies",
          "No proxy is trusted: the client is the peer of the connection, and X-Forwarded-For is ignored.",
          "Behind a reverse proxy, set TRUSTED_PROXIES to its network; otherwise all visitors count as one client."
        )
      ]
    : facts.map(({ forwardedFor, client, isTrusted, peer }) =>
        isTrusted
          ? ok("proxies", `A request from ${peer} with "X-Forwarded-For: ${forwardedFor}" is attributed to ${client}.`)
          : warning(
              "proxies",
              `${peer} is not a trusted proxy: a request from it is attributed to ${client}, and X-Forwarded-For is ignored.`,
              "If it is your proxy, add its network to TRUSTED_PROXIES."
            )
      )

const ofForwarded = (facts: ForwardedFacts | null): ReadonlyArray<Finding> =>
  facts === null || facts.untrusted === 0
    ? []
    : [
        warning(
          "proxies",
          `The running service has ignored the X-Forwarded-For of ${facts.untrusted} requests, because TRUSTED_PROXIES does not name their sender.`,
          "If they came through your reverse proxy, all visitors behind it share one rate limit: add its network to TRUSTED_PROXIES, and restart the service."
        )
      ]

/** The findings in the order in which to fix them. */
export const diagnose = (facts: InstallationFacts): ReadonlyArray<Finding> => [
  ...ofDatabase(facts.database, facts.transport),
  ...ofReader(facts.reader),
  ...ofAnalytics(facts.analytics),
  ofConnections(facts.connections),
  ofRedis(facts.redis),
  ...ofLimiter(facts.limiter),
  ...ofProxies(facts.proxies),
  ...ofForwarded(facts.forwarded),
  ...ofWebhooks(facts.webhooks),
  ...ofMail(facts.mail),
  ...ofAgents(facts.agents)
]

/** Whether no finding is a problem. There may be warnings. */
export const isHealthy = (findings: ReadonlyArray<Finding>): boolean =>
  findings.every(({ severity }) => severity !== "problem")
