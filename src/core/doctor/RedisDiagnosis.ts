/**
 * Diagnoses the Redis that counts the rate limits, and the limiter of the running service. Pure.
 *
 * @module
 */
import * as Certificate from "./Certificate.ts"
import { type Finding, ok, problem, warning } from "./Finding.ts"

/**
 * What is wrong with `REDIS_URL` or with the certificate of its server.
 *
 * - `replica`: the URL names a replica, which accepts no writes.
 * - `sentinel`: the URL names a Sentinel as if it were a Redis server.
 * - `no-sentinel`: the URL begins with `redis+sentinel://` and names a server that is not a Sentinel.
 * - `master`: the Sentinels watch no master of the name in the URL.
 * - `several`: the URL names several hosts that are not nodes of a cluster.
 */
export const redisFaults = [
  "login",
  "database",
  "replica",
  "sentinel",
  "no-sentinel",
  "master",
  "several",
  "address",
  ...Certificate.faults
] as const

export type RedisFault = (typeof redisFaults)[number]

/** What `REDIS_URL` resolves to. */
export type RedisTopology =
  | { readonly _tag: "Server" }
  | { readonly _tag: "Cluster"; readonly masters: number }
  | { readonly _tag: "Sentinel"; readonly master: string }

export type RedisFacts =
  | { readonly _tag: "NotConfigured" }
  /** `reason` is an error code or a message of this program, without a host or URL. */
  | { readonly _tag: "Unavailable"; readonly reason: string; readonly fault?: RedisFault | undefined }
  | { readonly _tag: "Counted"; readonly topology: RedisTopology; readonly roundTripMillis: number }

/** What the metrics of the running service show about its rate limiter. */
export interface LimiterFacts {
  /** How many of the service's processes apply the limits alone now, because they cannot use Redis. */
  readonly away: number
  /** How many requests since the service's start were counted by one process alone. */
  readonly fallbacks: number
}

/** Capitalizes a clause and ends it with a full stop. */
const sentence = (clause: string): string => `${clause.slice(0, 1).toUpperCase()}${clause.slice(1)}.`

const adviceFor = (fault: RedisFault | undefined): string => {
  switch (fault) {
    case undefined:
      return "Check that Redis runs and accepts writes, and that REDIS_URL is right."
    case "login":
      return "Check the user and the password in REDIS_URL; a Redis without a password refuses one."
    case "database":
      return "Set the number at the end of REDIS_URL to a database that this Redis has, or remove it; a cluster has only 0."
    case "replica":
      return "Set REDIS_URL to the master, or to its Sentinels as redis+sentinel://host:26379/master."
    case "sentinel":
      return "Write REDIS_URL as redis+sentinel://host:26379/name, with the master's name from sentinel.conf."
    case "no-sentinel":
      return "Set the hosts in REDIS_URL to the Sentinels, or write redis://host for a server or a cluster."
    case "master":
      return "Set the name at the end of REDIS_URL to the one after `sentinel monitor` in sentinel.conf."
    case "several":
      return "Name one host in REDIS_URL, or nodes of a cluster; for a master with replicas, name its Sentinels."
    case "address":
      return "Correct REDIS_URL."
    default:
      return sentence(Certificate.advice(fault, "REDIS_URL"))
  }
}

const describe = (topology: RedisTopology): string => {
  switch (topology._tag) {
    case "Server":
      return "Redis"
    case "Cluster":
      return `Redis (a cluster with ${topology.masters} ${topology.masters === 1 ? "master" : "masters"})`
    case "Sentinel":
      return `Redis (the master "${topology.master}" of the Sentinels)`
  }
}

export const ofRedis = (facts: RedisFacts): Finding => {
  switch (facts._tag) {
    case "NotConfigured":
      return ok(
        "redis",
        "REDIS_URL is not set: each `serve`, with all of its workers, applies the rate limits alone, which suffices for one."
      )
    case "Unavailable":
      return problem(
        "redis",
        `Redis cannot be used (${facts.reason}); until it can, each process applies the rate limits alone.`,
        adviceFor(facts.fault)
      )
    case "Counted":
      return ok("redis", `${describe(facts.topology)} counted a request in ${facts.roundTripMillis} ms.`)
  }
}

export const ofLimiter = (facts: LimiterFacts | null): ReadonlyArray<Finding> => {
  if (facts === null) return []
  const { away, fallbacks } = facts
  if (away > 0) {
    return [
      problem(
        "redis",
        `The running service cannot use Redis: ${away === 1 ? "a process applies" : `${away} processes apply`} the rate limits alone.`,
        "Its log says why; restart it if its REDIS_URL is not the one that this check used."
      )
    ]
  }
  if (fallbacks === 0) return []
  return [
    warning(
      "redis",
      `The running service has applied the rate limits to ${fallbacks} requests without Redis since its start.`,
      "Its log says when and why Redis could not be used."
    )
  ]
}
