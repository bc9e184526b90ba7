/**
 * The error of a Redis that the rate limiter cannot use.
 *
 * @module
 */
import { Schema } from "effect"
import { ErrorReply } from "redis"
import * as Certificate from "../outward/Certificate.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"

/**
 * What is wrong with `REDIS_URL` or with the certificate of its server.
 *
 * - `replica`: the URL names a replica, which accepts no writes.
 * - `sentinel`: the URL names a Sentinel as if it were a Redis server.
 * - `no-sentinel`: the URL begins with `redis+sentinel://` and names a server that is not a Sentinel.
 * - `master`: the Sentinels watch no master of the name in the URL.
 * - `several`: the URL names several hosts that are not nodes of a cluster.
 */
const faults = [
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

/**
 * Redis cannot be used. `reason` is for the log and contains no address, password or key. `fault` is set if the operator
 * must change `REDIS_URL` or the server's certificate.
 */
export class RedisUnavailable extends Schema.TaggedError<RedisUnavailable>()("RedisUnavailable", {
  reason: Schema.String,
  fault: Schema.optional(Schema.Literals(faults))
}) {}

/**
 * Maps an error reply. The first word identifies most errors; a wrong password and a wrong database number are both `ERR`
 * and are distinguished by the message. The message may quote the command and is left out.
 */
const refusalOf = ({ message }: ErrorReply): RedisUnavailable => {
  const word = /^[A-Z]{2,20}\b/.exec(message)?.[0] ?? "ERR"
  if (word === "NOAUTH") return new RedisUnavailable({ reason: "NOAUTH: it requires a password", fault: "login" })
  if (word === "WRONGPASS") return new RedisUnavailable({ reason: "WRONGPASS: it refused AUTH", fault: "login" })
  if (word === "READONLY" || word === "MASTERDOWN") {
    return new RedisUnavailable({ reason: `${word}: it is a replica, which accepts no writes`, fault: "replica" })
  }
  if (word === "MOVED") return new RedisUnavailable({ reason: "MOVED: it is a node of a cluster" })
  if (word === "CLUSTERDOWN")
    return new RedisUnavailable({ reason: "CLUSTERDOWN: some slots of the cluster have no master" })
  if (word === "ERR" && /\bAUTH\b|\bpassword\b/.test(message)) {
    return new RedisUnavailable({ reason: "ERR: it refused AUTH", fault: "login" })
  }
  if (word === "ERR" && /\bDB index\b|\bSELECT\b/.test(message)) {
    return new RedisUnavailable({
      reason: "ERR: it refused SELECT, as it has no database of that number",
      fault: "database"
    })
  }
  return new RedisUnavailable({ reason: word })
}

/** Converts a failure. The log may show the reason: a system error's code, the reply's first word, or a class name. */
export const toUnavailable = (error: unknown): RedisUnavailable => {
  if (error instanceof RedisUnavailable) return error
  if (error instanceof ErrorReply) return refusalOf(error)
  if (!(error instanceof Error)) return new RedisUnavailable({ reason: "unknown" })
  const code = SystemErrorCode.of(error)
  const fault = Certificate.faultOf(code)
  return fault === undefined
    ? new RedisUnavailable({ reason: code ?? error.constructor.name })
    : new RedisUnavailable({
        reason: `${code}: its certificate was refused, as ${Certificate.descriptions[fault]}`,
        fault
      })
}
