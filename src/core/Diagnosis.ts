/**
 * Says of what was seen of an installation whether it is well, and what to do about what is not. Pure: looking is left to
 * others.
 *
 * @module
 */
import * as Certificate from "./Certificate.ts"
import type * as DatabaseUrl from "./DatabaseUrl.ts"

export type DatabaseFacts =
  /** It could not be asked; `reason` is a sentence for the operator. */
  | { readonly _tag: "Away"; readonly reason: string }
  | {
      readonly _tag: "Reached"
      /** The ids of the migrations that it lacks. */
      readonly pending: ReadonlyArray<number>
      /** By how many milliseconds its clock is ahead of this machine's; negative if it is behind. */
      readonly clockAheadMillis: number
      /** How long the question for the clock took, in milliseconds: so much of it is not known. */
      readonly roundTripMillis: number
      /** Whether it takes no writes: a standby, or a database that its settings make so. */
      readonly isReadOnly: boolean
      readonly fsync: boolean
      readonly fullPageWrites: boolean
      readonly synchronousCommit: string
      /** Whether the server says that it is spoken to with TLS. */
      readonly isEncrypted: boolean
      /** The partitions of this month and the next three that are not there; none are looked for before it is migrated. */
      readonly missingPartitions: ReadonlyArray<string>
    }

export type RedisFacts =
  | { readonly _tag: "NotConfigured" }
  /**
   * `reason` is a system's code or a word of ours, without an address; `fault` what it refused of `REDIS_URL`, or what is
   * wrong with its certificate, if that.
   */
  | {
      readonly _tag: "Away"
      readonly reason: string
      readonly fault?: "login" | "database" | Certificate.Fault | undefined
    }
  | { readonly _tag: "Reached"; readonly roundTripMillis: number }

/** A request as it would come from a proxy, and the address that it would be given. */
export interface ProxyFacts {
  /** The socket's peer. */
  readonly peer: string
  readonly forwardedFor: string
  readonly given: string
  readonly isTrusted: boolean
}

export interface AgentFacts {
  readonly instanceId: string
  readonly name: string
  readonly seen:
    | { readonly _tag: "Answered"; readonly status: number }
    | { readonly _tag: "Away"; readonly reason: string }
    /** The environment variable that should hold its key is not set, here. */
    | { readonly _tag: "NoKey"; readonly variable: string }
}

export interface Facts {
  readonly database: DatabaseFacts
  /** How its address has the database spoken to. */
  readonly link: DatabaseUrl.Link
  readonly redis: RedisFacts
  readonly proxies: ReadonlyArray<ProxyFacts>
  /** None if the instances could not be read. */
  readonly agents: ReadonlyArray<AgentFacts> | null
}

/** `problem`: something does not work. `warning`: it works, and may not be what is wanted. */
export type Severity = "ok" | "warning" | "problem"

export interface Finding {
  readonly check:
    | "database"
    | "encryption"
    | "migrations"
    | "durability"
    | "clock"
    | "partitions"
    | "redis"
    | "proxies"
    | "agents"
  readonly severity: Severity
  /** What was seen, in one sentence. */
  readonly finding: string
  /** What to do, in one sentence; null where nothing is to be done. */
  readonly advice: string | null
}

const make =
  (severity: Severity) =>
  (check: Finding["check"], finding: string, advice: string | null = null): Finding => ({
    check,
    severity,
    finding,
    advice
  })
const ok = make("ok")
const warning = make("warning")
const problem = make("problem")

/** A clock that is further off than this gives page views and salts to the wrong day, in milliseconds. */
export const toleratedSkewMillis = 5_000

const seconds = (millis: number): string => `${(Math.abs(millis) / 1000).toFixed(1)} s`

const answers = ({ isReadOnly, roundTripMillis }: DatabaseFacts & { readonly _tag: "Reached" }): Finding =>
  isReadOnly
    ? problem(
        "database",
        "The database takes no writes: it is a standby, or default_transaction_read_only is on.",
        "Reports can be read here; for everything else set DATABASE_URL to the primary."
      )
    : ok("database", `The database answers, in ${roundTripMillis} ms.`)

/** A server behind a pooler speaks of its link to the pooler, so it is asked only where the driver cannot be sure. */
const encryption = (isEncrypted: boolean, link: DatabaseUrl.Link): Finding => {
  if (link === "local") return ok("encryption", "The database is on this machine: nothing goes over a network.")
  return link === "tls" || (link === "preferred" && isEncrypted)
    ? ok("encryption", "The database is spoken to with TLS.")
    : warning(
        "encryption",
        "The database is on another machine and spoken to without TLS: whoever can read that network reads the submissions.",
        "Add sslmode=require to DATABASE_URL; where its certificate is signed by a root of your own, name that one's file in NODE_EXTRA_CA_CERTS."
      )
}

const durability = (facts: DatabaseFacts & { readonly _tag: "Reached" }): Finding => {
  const off = [
    ...(facts.fsync ? [] : ["fsync"]),
    ...(facts.fullPageWrites ? [] : ["full_page_writes"]),
    ...(facts.synchronousCommit === "off" ? ["synchronous_commit"] : [])
  ]
  return off.length === 0
    ? ok("durability", "What is acknowledged is on the disk: fsync, full_page_writes and synchronous_commit are on.")
    : problem(
        "durability",
        `What is acknowledged may be lost when the database's machine fails: ${off.join(" and ")} ${off.length === 1 ? "is" : "are"} off.`,
        `Set ${off.map((name) => `${name} = on`).join(", ")} in postgresql.conf and reload the server.`
      )
}

const clock = ({ clockAheadMillis, roundTripMillis }: DatabaseFacts & { readonly _tag: "Reached" }): Finding =>
  Math.abs(clockAheadMillis) - roundTripMillis / 2 <= toleratedSkewMillis
    ? ok("clock", `The database's clock and this machine's agree within ${seconds(toleratedSkewMillis)}.`)
    : warning(
        "clock",
        `The database's clock is ${seconds(clockAheadMillis)} ${clockAheadMillis > 0 ? "ahead of" : "behind"} this machine's.`,
        "Let both machines follow a time server (NTP); otherwise page views count on the wrong day."
      )

const migrate = "Run `npm run -s hydracore -- migrate`."

const ofDatabase = (facts: DatabaseFacts, link: DatabaseUrl.Link): ReadonlyArray<Finding> => {
  if (facts._tag === "Away") {
    return [problem("database", facts.reason, "Nothing works without the database: mend this first, then look again.")]
  }
  const { missingPartitions, pending } = facts
  return [
    answers(facts),
    encryption(facts.isEncrypted, link),
    pending.length === 0
      ? ok("migrations", "The database is migrated to this version.")
      : problem(
          "migrations",
          `The database lacks ${pending.length === 1 ? "the migration" : "the migrations"} ${pending.join(", ")}.`,
          migrate
        ),
    durability(facts),
    clock(facts),
    ...(pending.length > 0
      ? []
      : [
          missingPartitions.length === 0
            ? ok("partitions", "The page views of this month and the next three have their partitions.")
            : warning(
                "partitions",
                `Partitions are missing: ${missingPartitions.join(", ")}. Their page views are stored and counted in the default partition.`,
                `${migrate.slice(0, -1)}, which makes them; a running service tries so every hour, and its log says why it cannot.`
              )
        ])
  ]
}

/** A clause as a sentence of its own. */
const sentence = (clause: string): string => `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}.`

const redisAdvice = {
  login: "Check the user and the password in REDIS_URL; a Redis that has no password takes none.",
  database: "Set the number at the end of REDIS_URL to a database that this Redis has, or leave it out.",
  other: "Check that Redis runs and may be written to, and that REDIS_URL is right."
} as const

const adviceForRedis = (fault: (RedisFacts & { readonly _tag: "Away" })["fault"]): string =>
  fault === undefined || fault === "login" || fault === "database"
    ? redisAdvice[fault ?? "other"]
    : sentence(Certificate.advice(fault, "REDIS_URL"))

const ofRedis = (facts: RedisFacts): Finding => {
  switch (facts._tag) {
    case "NotConfigured":
      return ok("redis", "No Redis is set: each process counts the limits by itself. One process needs no more.")
    case "Away":
      return problem(
        "redis",
        `Redis cannot be used (${facts.reason}); each process counts the limits by itself meanwhile.`,
        adviceForRedis(facts.fault)
      )
    case "Reached":
      return ok("redis", `Redis answers, in ${facts.roundTripMillis} ms.`)
  }
}

const ofProxies = (facts: ReadonlyArray<ProxyFacts>): ReadonlyArray<Finding> =>
  facts.length === 0
    ? [
        warning(
          "proxies",
          "No proxy is trusted: a client is the peer of its connection, whatever X-Forwarded-For says.",
          "If a reverse proxy stands in front, set TRUSTED_PROXIES to its network; otherwise all visitors count as one."
        )
      ]
    : facts.map(({ forwardedFor, given, isTrusted, peer }) =>
        isTrusted
          ? ok("proxies", `A request from ${peer} with "X-Forwarded-For: ${forwardedFor}" counts for ${given}.`)
          : warning(
              "proxies",
              `${peer} is no trusted proxy: a request from it counts for ${given}, whatever X-Forwarded-For says.`,
              "If it is a proxy of yours, name its network in TRUSTED_PROXIES."
            )
      )

/** The command that changes an instance, up to what is to be changed. */
const updateOf = (instanceId: string): string => `npm run -s hydracore -- instance update --instance ${instanceId}`

const ofAgent = ({ instanceId, name, seen }: AgentFacts): Finding => {
  const who = `The agent of "${name}" (${instanceId})`
  switch (seen._tag) {
    case "NoKey":
      return problem(
        "agents",
        `${who} needs a key, and the variable ${seen.variable} is not set here.`,
        `Set ${seen.variable} in the environment of the service, or name another variable: \`${updateOf(instanceId)} --agent-key-env <name>\`.`
      )
    case "Away": {
      const fault = Certificate.faultOf(seen.reason)
      const address = `if its address is another: \`${updateOf(instanceId)} --agent-url <url>\``
      return fault === undefined
        ? problem(
            "agents",
            `${who} cannot be reached (${seen.reason}).`,
            `Check that it runs and can be reached from here; ${address}.`
          )
        : problem(
            "agents",
            `${who} shows a certificate that is refused (${seen.reason}): ${Certificate.why[fault]}.`,
            sentence(`${Certificate.advice(fault, "its agent_url")}; ${address}`)
          )
    }
    case "Answered":
      if (seen.status === 401 || seen.status === 403) {
        return problem(
          "agents",
          `${who} refuses the key (status ${seen.status}).`,
          `Put a valid key into the variable that the instance names as its agent_key_env, or name another: \`${updateOf(instanceId)} --agent-key-env <name>\`.`
        )
      }
      return seen.status >= 500
        ? problem("agents", `${who} answers with status ${seen.status}.`, "See the agent's own log.")
        : ok("agents", `${who} answers.`)
  }
}

const ofAgents = (facts: Facts["agents"]): ReadonlyArray<Finding> => {
  if (facts === null) return []
  if (facts.length > 0) return facts.map(ofAgent)
  return [ok("agents", "There is no instance, so no agent is asked.")]
}

/** Everything that is to be said of an installation, in the order in which one would mend it. */
export const diagnose = (facts: Facts): ReadonlyArray<Finding> => [
  ...ofDatabase(facts.database, facts.link),
  ofRedis(facts.redis),
  ...ofProxies(facts.proxies),
  ...ofAgents(facts.agents)
]

/** Whether nothing is wrong; warnings are not. */
export const isWell = (findings: ReadonlyArray<Finding>): boolean =>
  findings.every(({ severity }) => severity !== "problem")
