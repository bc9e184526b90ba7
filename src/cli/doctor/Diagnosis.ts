/**
 * Diagnoses an installation from the facts that `Inspection` collects, and the agents of instances by the outcome of a question: what
 * an operator can act on, and `serve` does not say when it starts. Pure.
 *
 * @module
 */
import type { IpNetwork } from "effect/net"
import { type Outcome, problemOf } from "../../chat/agent/AgentCheck.ts"
import type { MailFacts } from "../../delivery/mail/Mailer.ts"
import * as ClientAddress from "../../platform/limits/ClientAddress.ts"
import * as Certificate from "../../platform/outward/Certificate.ts"
import type * as DatabaseUrl from "../../platform/postgres/DatabaseUrl.ts"
import type { FailedItem } from "../../platform/rounds/postgres/FailedItems.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"

/** The result of one check of an installation, and what to do about it. */
export interface Finding {
  readonly check:
    | "database"
    | "encryption"
    | "pooler"
    | "rights"
    | "durability"
    | "clock"
    | "background"
    | "reader"
    | "analytics"
    | "redis"
    | "proxies"
    | "webhooks"
    | "mail"
    | "agents"
  /** `problem`: something does not work. `warning`: it works, but may not be intended. */
  readonly severity: "ok" | "warning" | "problem"
  readonly finding: string
  /** What to do; null if there is nothing to do. */
  readonly advice: string | null
}

const make =
  <Advice extends string | null>(severity: Finding["severity"]) =>
  (check: Finding["check"], finding: string, advice: Advice): Finding => ({ check, severity, finding, advice })

export const problem = make<string>("problem")

export const warning = make<string>("warning")

export const ok = (check: Finding["check"], finding: string): Finding => make<null>("ok")(check, finding, null)

/** What was found, in the order in which to fix it; `otherwise` if nothing was. */
export const orWell = (otherwise: Finding, found: ReadonlyArray<Finding | false>): ReadonlyArray<Finding> => {
  const findings = found.filter((one) => one !== false)
  return findings.length === 0 ? [otherwise] : findings
}

/** A server cannot be used; `reason` says why and what to do, as every other command does. */
export interface Unavailable {
  readonly _tag: "Unavailable"
  readonly reason: string
}

export interface DatabaseFacts {
  readonly _tag: "Reached"
  /** The privileges that the endpoints need and the user lacks, as `INSERT on page_view`. */
  readonly denied: ReadonlyArray<string>
  /** The privileges that the deletion of expired data needs and the user lacks. */
  readonly deniedForMaintenance: ReadonlyArray<string>
  /** The settings that must be on for a commit to survive a crash, and are off. */
  readonly off: ReadonlyArray<"fsync" | "full_page_writes" | "synchronous_commit">
  /** Whether the server reports that the connection uses TLS. */
  readonly isEncrypted: boolean
  /** How far the database's clock is ahead of this machine's, in milliseconds; negative if it is behind. */
  readonly clockAheadMillis: number
  /** The duration of the query that read the clock: the uncertainty of `clockAheadMillis`. */
  readonly roundTripMillis: number
  /** Whether a statement that is prepared in one transaction exists in the next; false behind some poolers. */
  readonly keepsStatements: boolean
  /** What failed in the background, what is set apart first. */
  readonly failedItems: ReadonlyArray<FailedItem>
}

export interface ReaderFacts {
  readonly _tag: "Reached"
  /** How far the database is behind its primary, in seconds; null if it is not a standby. */
  readonly lagSeconds: number | null
  readonly keepsStatements: boolean
}

export interface AnalyticsFacts {
  readonly _tag: "Reached"
  readonly version: string
  /** Whether the connection uses TLS, or stays on this machine. */
  readonly isPrivate: boolean
  /** The tables that the user may not write, and the system tables that deletions read and the user may not read. */
  readonly denied: ReadonlyArray<string>
}

/** `reason` is an error code or a message of this program, without a host or URL. */
export type RedisFacts =
  | { readonly _tag: "Shared" }
  | { readonly _tag: "Alone"; readonly error: { readonly reason: string; readonly fault?: string | undefined } }

/** A request that a proxy at `peer` forwards. */
export interface ForwardedRequest {
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly peer: string
  readonly forwardedFor: string
}

export interface WebhookFacts {
  readonly total: number
  /** How many have a secret that `SECRETS_KEY` does not decrypt: all without `SECRETS_KEY`. */
  readonly locked: number
}

export interface InstallationFacts {
  readonly database: DatabaseFacts | Unavailable
  readonly transport: DatabaseUrl.Transport
  /** Null without `DATABASE_READ_URL`. */
  readonly reader: ReaderFacts | Unavailable | null
  /** Null without `ANALYTICS_URL`. */
  readonly analytics: AnalyticsFacts | Unavailable | null
  /** Null without `REDIS_URL`. */
  readonly redis: RedisFacts | null
  /** The request that the operator asks about; null for none. */
  readonly forwarded: ForwardedRequest | null
  /** Null if the webhooks could not be read. */
  readonly webhooks: WebhookFacts | null
  /** Null without `SMTP_URL`. */
  readonly mail: MailFacts | null
  /** The agents that were asked, and how many were not; null if the instances could not be read. */
  readonly agents: { readonly asked: ReadonlyArray<AgentFacts>; readonly others: number } | null
}

/** With a larger difference between the clocks, page views and salts would be assigned to the wrong day. */
export const maxClockSkewMillis = 5_000

/** A standby that is further behind than this causes a warning. */
export const maxLagSeconds = 60

/** The oldest version of ClickHouse with everything that the service uses. */
export const oldestClickHouse = "24.8"

const grants = `Let the user in DATABASE_URL own the tables, or run as their owner what \`${hydracore} migrate --print-grants <user>\` prints.`

const ofDatabase = (facts: DatabaseFacts | Unavailable, transport: DatabaseUrl.Transport): ReadonlyArray<Finding> => {
  if (facts._tag === "Unavailable") {
    const advice = "Fix this first, then run doctor again: nothing works without the database."
    return [problem("database", facts.reason, advice)]
  }
  const { clockAheadMillis, denied, deniedForMaintenance, isEncrypted, keepsStatements, off, roundTripMillis } = facts
  const skew = `${(Math.abs(clockAheadMillis) / 1000).toFixed(1)} s ${clockAheadMillis > 0 ? "ahead of" : "behind"}`
  return orWell(ok("database", "The database answers, and nothing about it needs a change."), [
    // A server behind a pooler reports its own connection, to the pooler.
    (transport === "plain" || (transport === "preferred" && !isEncrypted)) &&
      warning(
        "encryption",
        "The database is on another machine and the connection does not use TLS: submissions can be read on the network.",
        "Add sslmode=require to DATABASE_URL; if your own CA signed the database's certificate, set NODE_EXTRA_CA_CERTS to the CA's file."
      ),
    !keepsStatements &&
      problem(
        "pooler",
        "A pooler before the database, such as PgBouncer, does not keep prepared statements: many requests get a 503.",
        ErrorMessages.poolerAdvice
      ),
    denied.length > 0 &&
      problem("rights", `The database's user lacks ${denied.join(", ")}: the service does not start.`, grants),
    deniedForMaintenance.length > 0 &&
      warning(
        "rights",
        `The database's user lacks ${deniedForMaintenance.join(", ")}: expired data is not deleted.`,
        grants
      ),
    off.length > 0 &&
      problem(
        "durability",
        `Acknowledged data is lost if the database's machine fails: ${off.join(" and ")} ${off.length === 1 ? "is" : "are"} off.`,
        `Set ${off.map((name) => `${name} = on`).join(", ")} in postgresql.conf and reload the server.`
      ),
    Math.abs(clockAheadMillis) - roundTripMillis / 2 > maxClockSkewMillis &&
      warning(
        "clock",
        `The database's clock is ${skew} this machine's.`,
        "Synchronize both machines with a time server (NTP); otherwise page views count on the wrong day."
      ),
    ...facts.failedItems.map(ofFailedItem)
  ])
}

const ofFailedItem = ({ failures, item, kind, reason, retryAt }: FailedItem): Finding => {
  const failed = `Background work (${kind} ${item}) failed ${failures === 1 ? "once" : `${failures} times`}: ${reason}.`
  const correct = "correct what the reason names, or upgrade"
  return retryAt === null
    ? problem(
        "background",
        `${failed} It is set apart, and the others go on.`,
        `To try it again, ${correct}, then restart a process.`
      )
    : warning("background", `${failed} It is tried again, and the others go on.`, `If it goes on failing, ${correct}.`)
}

const ofReader = (facts: ReaderFacts | Unavailable): ReadonlyArray<Finding> => {
  if (facts._tag === "Unavailable") {
    const advice =
      "Until it can be used, requests for reports get a 503. To read reports from DATABASE_URL instead, remove DATABASE_READ_URL and restart."
    return [problem("reader", `The database of reports cannot be used: ${facts.reason}`, advice)]
  }
  const { keepsStatements, lagSeconds } = facts
  return orWell(ok("reader", "Reports read from DATABASE_READ_URL."), [
    !keepsStatements &&
      problem(
        "reader",
        "A pooler before the database of reports does not keep prepared statements: reports get a 503.",
        ErrorMessages.poolerAdvice
      ),
    lagSeconds !== null &&
      lagSeconds > maxLagSeconds &&
      warning(
        "reader",
        `Reports read from a standby that is ${lagSeconds.toFixed(0)} seconds behind its primary.`,
        "Check that it receives and replays the primary's WAL (pg_stat_replication)."
      )
  ])
}

const ofAnalytics = (facts: AnalyticsFacts | Unavailable): ReadonlyArray<Finding> => {
  if (facts._tag === "Unavailable") {
    const advice = "Until it can be used, requests with page views or events, and for statistics, get a 503."
    return [problem("analytics", facts.reason, advice)]
  }
  const { denied, isPrivate, version } = facts
  return orWell(ok("analytics", "ClickHouse answers, and nothing about it needs a change."), [
    version.localeCompare(oldestClickHouse, "en", { numeric: true }) < 0 &&
      problem("analytics", `ClickHouse ${version} is too old.`, `Install ClickHouse ${oldestClickHouse} or newer.`),
    !isPrivate &&
      warning(
        "analytics",
        "ClickHouse is on another machine and the connection does not use TLS: page views can be read on the network.",
        "Write clickhouses:// in ANALYTICS_URL; if your own CA signed the server's certificate, set NODE_EXTRA_CA_CERTS to the CA's file."
      ),
    denied.length > 0 &&
      problem(
        "analytics",
        `ClickHouse's user may not use ${denied.join(", ")}: what is received is not stored, or not deleted.`,
        ErrorMessages.clickHouseGrants
      )
  ])
}

const ofRedis = (facts: RedisFacts): Finding => {
  if (facts._tag === "Shared") return ok("redis", "Redis counts requests for all processes.")
  const { fault, reason } = facts.error
  const refused = Certificate.faults.find((one) => one === fault)
  return problem(
    "redis",
    `Redis cannot be used (${reason}); until it can, each process applies the rate limits alone.`,
    refused === undefined
      ? "Check that Redis runs and accepts writes, and that REDIS_URL is right."
      : Certificate.adviceSentence(refused, "REDIS_URL")
  )
}

const ofForwarded = ({ forwardedFor, peer, trustedProxies }: ForwardedRequest): Finding => {
  const client = ClientAddress.clientKey(ClientAddress.make(trustedProxies)(peer, forwardedFor))
  return ClientAddress.makeIsProxy(trustedProxies)(peer)
    ? ok("proxies", `A request from ${peer} with "X-Forwarded-For: ${forwardedFor}" is attributed to ${client}.`)
    : warning(
        "proxies",
        `${peer} is not a trusted proxy: a request from it is attributed to ${client}, and X-Forwarded-For is ignored.`,
        "If it is your proxy, add its network to TRUSTED_PROXIES."
      )
}

const ofWebhooks = ({ locked, total }: WebhookFacts): ReadonlyArray<Finding> =>
  total === 0
    ? []
    : orWell(ok("webhooks", "SECRETS_KEY decrypts the secrets of all webhooks."), [
        locked > 0 &&
          problem(
            "webhooks",
            `SECRETS_KEY is not set, or does not decrypt the secrets of some webhooks (${locked} of ${total}): nothing is sent to them.`,
            "Set SECRETS_KEY to the key with which they were created; if it is lost, delete these webhooks and create them again."
          )
      ])

const toEncrypt = "Use the server's TLS port with smtps:// in SMTP_URL, or turn on STARTTLS at the server."

const ofMail = (facts: MailFacts): Finding => {
  switch (facts._tag) {
    case "Failed":
      return problem(
        "mail",
        `The mail server cannot be used (${facts.error}); mails wait, and are given up after about three days.`,
        "Check that it can be reached from here, and that the host, the port, the user and the password in SMTP_URL are right."
      )
    case "WithoutTls":
      return problem(
        "mail",
        "The mail server offers no TLS (STARTTLS), so the password of SMTP_URL is not sent; mails wait, and are given up after about three days.",
        `${toEncrypt} If the network between this machine and the server is your own, add ?tls=optional to SMTP_URL.`
      )
    case "Ready":
      return facts.isEncrypted || facts.isLocal
        ? ok("mail", "The mail server accepts connections and the login of SMTP_URL.")
        : warning(
            "mail",
            "The mail server offers no TLS: mails with visitors' data cross the network unencrypted.",
            toEncrypt
          )
  }
}

/** The outcome of a question to the agent of an instance. */
export interface AgentFacts {
  readonly instance_id: string
  readonly name: string
  readonly outcome: Outcome
}

/**
 * What is wrong with an agent, as the rest of a sentence about it, and what to do. `update` is the beginning of the command that
 * changes its instance.
 */
const faultOf = (
  outcome: Exclude<Outcome, { readonly _tag: "Answered" | "TokensUsed" }>,
  update: string
): readonly [fault: string, advice: string] => {
  const protocol = `Check the protocol and the model: \`${update} --agent-protocol <protocol> --agent-model <name>\``
  const address = `if its address changed: \`${update} --agent-url <url>\`.`
  switch (outcome._tag) {
    case "LockedKey":
      return [
        "has a stored key, or stored fields or headers, that SECRETS_KEY does not decrypt",
        "Set SECRETS_KEY to the value with which they were stored, or enter them again in the console."
      ]
    case "NoKey":
      return [
        `needs a key, and the variable ${outcome.variable} is not set here`,
        `Set ${outcome.variable} in the environment of the service, or name another variable: \`${update} --agent-key-env <name>\`.`
      ]
    case "Failed":
      return [`gives no answer (${outcome.reason})`, `${protocol}; then see the agent's own log.`]
    case "Refused": {
      const cause = problemOf(outcome)
      const code = outcome.code === undefined ? "" : `, ${outcome.code}`
      const advice: Readonly<Record<string, string>> = {
        key: `If the key was entered in the console, enter a valid one there. Otherwise, put a valid key into the variable that the instance names as its agent_key_env, or name another: \`${update} --agent-key-env <name>\`.`,
        address: `Check the address, which must not redirect, and the model: \`${update} --agent-url <url> --agent-model <name>\`.`,
        quota: "Check the quota and the rate limit of the key at the provider, and try again.",
        busy: "It is overloaded or still starting; try again in a moment.",
        request: `${protocol}.`
      }
      return [
        `refuses ${cause === "key" ? "the key" : "a question"} (status ${outcome.status}${code})`,
        advice[cause ?? ""] ?? "See the agent's own log."
      ]
    }
    case "Unavailable":
    case "Silent": {
      const fault = Certificate.faultOf(outcome.reason)
      if (fault !== undefined) {
        return [
          `has a certificate that was refused (${outcome.reason}): ${Certificate.descriptions[fault]}`,
          `${Certificate.adviceSentence(fault, "its agent_url").slice(0, -1)}; ${address}`
        ]
      }
      return problemOf(outcome) === "not-public"
        ? [
            "was set in the console or over the owner API, and its host was not found on the public internet",
            `Check the address. If it is in your own network, set it with this command, which allows private addresses: \`${update} --agent-url <url>\`.`
          ]
        : [`does not answer (${outcome.reason})`, `Check that it runs and is reachable from here; ${address}`]
    }
  }
}

/** The finding of one agent. */
export const ofAgent = ({ instance_id, name, outcome }: AgentFacts): Finding => {
  const agent = `The agent of "${name}" (${instance_id})`
  if (outcome._tag === "Answered") return ok("agents", `${agent} answers.`)
  if (outcome._tag === "TokensUsed") {
    return ok("agents", `${agent} gets no question until the next day (UTC): its tokens of the day are used up.`)
  }
  const [fault, advice] = faultOf(outcome, `${hydracore} instance update --instance ${instance_id}`)
  return problem("agents", `${agent} ${fault}.`, advice)
}

/** How many instances are asked by default. A question may cost money. */
export const askedByDefault = 3

/** Which instances to ask: those with these ids, all, or the newest. */
export type Ask = ReadonlyArray<string> | "all" | "newest"

/** The instances to ask, of all instances, oldest first. */
export const choose = <A extends { readonly instance_id: string }>(
  instances: ReadonlyArray<A>,
  ask: Ask
): ReadonlyArray<A> => {
  if (ask === "all") return instances
  return ask === "newest"
    ? instances.slice(-askedByDefault)
    : instances.filter(({ instance_id }) => ask.includes(instance_id))
}

const ofAgents = ({ asked, others }: NonNullable<InstallationFacts["agents"]>): ReadonlyArray<Finding> => {
  const notAsked = `Agents that were not asked: ${others}. --ask <instance_id> or --ask all asks them.`
  return [...asked.map(ofAgent), ...(others === 0 ? [] : [ok("agents", notAsked)])]
}

/** The findings in the order in which to fix them. What is null was not inspected, and has none. */
export const diagnose = (facts: InstallationFacts): ReadonlyArray<Finding> => {
  const { agents, analytics, database, forwarded, mail, reader, redis, transport, webhooks } = facts
  return [
    ...ofDatabase(database, transport),
    ...(reader === null ? [] : ofReader(reader)),
    ...(analytics === null ? [] : ofAnalytics(analytics)),
    ...(redis === null ? [] : [ofRedis(redis)]),
    ...(forwarded === null ? [] : [ofForwarded(forwarded)]),
    ...(webhooks === null ? [] : ofWebhooks(webhooks)),
    ...(mail === null ? [] : [ofMail(mail)]),
    ...(agents === null ? [] : ofAgents(agents))
  ]
}
