/**
 * Says of what was seen of an installation whether it is well, and what to do about what is not. Pure: looking is left to
 * others.
 *
 * @module
 */
import * as Certificate from "./Certificate.ts"
import { type ConnectionFacts, ofConnections } from "./ConnectionDiagnosis.ts"
import { type DatabaseFacts, ofDatabase } from "./DatabaseDiagnosis.ts"
import type * as DatabaseUrl from "./DatabaseUrl.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

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
  readonly transport: DatabaseUrl.Transport
  readonly connections: ConnectionFacts
  readonly redis: RedisFacts
  readonly proxies: ReadonlyArray<ProxyFacts>
  /** None if the instances could not be read. */
  readonly agents: ReadonlyArray<AgentFacts> | null
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
            `${who} shows a certificate that is refused (${seen.reason}): ${Certificate.descriptions[fault]}.`,
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
  ...ofDatabase(facts.database, facts.transport),
  ofConnections(facts.connections),
  ofRedis(facts.redis),
  ...ofProxies(facts.proxies),
  ...ofAgents(facts.agents)
]

/** Whether nothing is wrong; warnings are not. */
export const isHealthy = (findings: ReadonlyArray<Finding>): boolean =>
  findings.every(({ severity }) => severity !== "problem")
