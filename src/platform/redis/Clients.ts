/**
 * Clients of Redis servers and clusters, and why they fail. A client never reconnects, and queues nothing while it is not connected.
 *
 * @module
 */
import { Effect, Schema, type Scope } from "effect"
import { ErrorReply, RedisClient, RedisCluster } from "redis"
import * as Certificate from "../outward/Certificate.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import type { Host, Login } from "./RedisUrl.ts"

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

export interface ClientOptions {
  readonly tls: boolean
  readonly login: Login
  readonly database: number | undefined
  /** The time limit of opening a connection, in milliseconds. */
  readonly openMillis: number
  /** Called for each error of a connection. After the first error, the client is unusable. */
  readonly onError: (error: RedisUnavailable) => void
}

const common = ({ database, login: { password, username }, openMillis, tls }: ClientOptions) => ({
  ...(username === undefined ? {} : { username }),
  ...(password === undefined ? {} : { password }),
  ...(database === undefined ? {} : { database }),
  disableOfflineQueue: true,
  disableClientInfo: true,
  maintNotifications: "disabled" as const,
  socket: { ...(tls ? { tls: true as const } : {}), reconnectStrategy: false as const, connectTimeout: openMillis }
})

/** The protocol, which the class of a client and its connections must agree on. */
const config = { RESP: 2 } as const

/** Makes clients of one class. `createClient` would make a class for each set of options, which blocks the process for some 20 ms. */
const newClient = RedisClient.factory(config)

const make = (options: ClientOptions, { host, port }: Host) => {
  const { socket, ...rest } = common(options)
  const client = newClient({ ...rest, ...config, socket: { ...socket, host, port } })
  // Without a listener, an `error` event would end the process.
  return client.on("error", (error) => options.onError(toUnavailable(error)))
}

export type Client = ReturnType<typeof make>

/** A connection to one server. It closes with the scope. */
export const connect = Effect.fnUntraced(function* (
  options: ClientOptions,
  host: Host
): Effect.fn.Return<Client, RedisUnavailable, Scope.Scope> {
  const client = yield* Effect.acquireRelease(
    Effect.try({ try: () => make(options, host), catch: toUnavailable }),
    (client) =>
      Effect.sync(() => {
        // A client destroyed while connecting still becomes ready.
        client.once("ready", () => client.destroy())
        client.destroy()
      })
  )
  yield* awaitReply(2 * options.openMillis, () => client.connect())
  return client
})

const makeCluster = (options: ClientOptions, nodes: ReadonlyArray<Host>) => {
  const { socket, ...defaults } = common(options)
  const cluster = RedisCluster.factory(config)({
    rootNodes: nodes.map((node) => ({ socket: { ...socket, ...node } })),
    defaults: { ...defaults, socket },
    ...config,
    topologyRefreshOnReconnectionAttemptStrategy: false
  })
  const failed = (error: unknown) => options.onError(toUnavailable(error))
  return cluster.on("error", failed).on("node-error", failed)
}

export type Cluster = ReturnType<typeof makeCluster>

/** Connections to all masters of the cluster that `nodes` belong to. They close with the scope. */
export const connectCluster = Effect.fnUntraced(function* (
  options: ClientOptions,
  nodes: ReadonlyArray<Host>
): Effect.fn.Return<Cluster, RedisUnavailable, Scope.Scope> {
  let connecting: Promise<unknown> | undefined
  const cluster = yield* Effect.acquireRelease(
    Effect.try({ try: () => makeCluster(options, nodes), catch: toUnavailable }),
    (cluster) =>
      Effect.sync(() => {
        const destroy = () => cluster.destroy()
        destroy()
        // A cluster destroyed while connecting still opens connections.
        connecting?.then(destroy, destroy)
      })
  )
  yield* awaitReply(2 * options.openMillis, () => (connecting = cluster.connect()))
  return cluster
})

/** The number of timers that one wait is split into. */
const slices = 4

/**
 * Waits for a network reply with Node's timers, since the network does not follow the TestClock. A delay of this process must
 * not count as a timeout of Redis. Therefore the wait is a chain of shorter timers, of which a blocked event loop uses up only
 * one. After the last timer, the sockets are polled once more before the call fails.
 */
export const awaitReply = <A>(millis: number, call: () => Promise<A>): Effect.Effect<A, RedisUnavailable> =>
  Effect.callback((resume) => {
    let timer: NodeJS.Timeout | undefined
    let last: NodeJS.Immediate | undefined
    const wait = (left: number) => {
      timer = setTimeout(() => {
        if (left > 1) return wait(left - 1)
        last = setImmediate(() => resume(Effect.fail(new RedisUnavailable({ reason: "no answer in time" }))))
      }, millis / slices)
    }
    const stop = () => {
      clearTimeout(timer)
      clearImmediate(last)
    }
    const settle = (result: Effect.Effect<A, RedisUnavailable>) => {
      stop()
      resume(result)
    }
    const failed = (error: unknown) => settle(Effect.fail(toUnavailable(error)))
    wait(slices)
    try {
      call().then((answer) => settle(Effect.succeed(answer)), failed)
    } catch (error) {
      failed(error)
    }
    return Effect.sync(stop)
  })
