/**
 * Clients of Redis servers and clusters. A client never reconnects, and queues nothing while it is not connected.
 *
 * @module
 */
import { Effect, type Scope } from "effect"
import { createClient, createCluster } from "redis"
import { RedisUnavailable, toUnavailable } from "./RedisUnavailable.ts"
import type { Host, Login } from "./RedisUrl.ts"

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

const make = (options: ClientOptions, { host, port }: Host) => {
  const { socket, ...rest } = common(options)
  const client = createClient({ ...rest, RESP: 2, socket: { ...socket, host, port } })
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
  const cluster = createCluster({
    rootNodes: nodes.map((node) => ({ socket: { ...socket, ...node } })),
    defaults: { ...defaults, socket },
    RESP: 2,
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
