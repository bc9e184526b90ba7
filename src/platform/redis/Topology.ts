/**
 * Resolves a Redis address: to one server, a cluster, or the master that Sentinels name. The Sentinel client of the
 * package `redis` hides why it cannot connect, so this module queries the Sentinels itself.
 *
 * @module
 */
import { Effect, Schema, type Scope } from "effect"
import { ErrorReply } from "redis"
import { awaitReply, type Client, type ClientOptions, connect } from "./Clients.ts"
import { RedisUnavailable } from "./RedisUnavailable.ts"
import type { Host, RedisAddress } from "./RedisUrl.ts"

/** The server's mode: `sentinel`, `cluster` or `standalone`. */
const modeOf = (client: Client) =>
  client.hello().then(
    ({ mode }) => `${mode}`,
    (error: unknown) => {
      // Redis before 6 and some proxies have no HELLO, and some users may not call it. A cluster still reports its slots.
      if (!(error instanceof ErrorReply) || /^NOAUTH\b/.test(error.message)) throw error
      return client.clusterSlots().then(
        (ranges) => (ranges.length > 0 ? "cluster" : "standalone"),
        () => "standalone"
      )
    }
  )

const isNamed = (host: string): boolean => host !== "" && host !== "?"

/** The nodes of the cluster. A node that is reported without a host has the host of the node that was asked. */
const nodesOf = async (client: Client, { host: own }: Host): Promise<ReadonlyArray<Host>> => {
  const ranges = await client.clusterSlots()
  return ranges.flatMap(({ master, replicas }) =>
    [master, ...replicas].map(({ host, port }) => ({ host: isNamed(`${host ?? ""}`) ? `${host}` : own, port }))
  )
}

export type Target =
  | { readonly _tag: "Server"; readonly host: Host }
  | { readonly _tag: "Cluster"; readonly nodes: ReadonlyArray<Host> }

/** Whether a host is a server or a node of a cluster. */
const identify = Effect.fnUntraced(function* (
  options: ClientOptions,
  host: Host,
  isOnly: boolean
): Effect.fn.Return<Target, RedisUnavailable, Scope.Scope> {
  const client = yield* connect(options, host)
  const mode = yield* awaitReply(options.openMillis, () => modeOf(client))
  if (mode === "sentinel") return yield* new RedisUnavailable({ reason: "it is a Sentinel", fault: "sentinel" })
  if (mode === "cluster") {
    const nodes = yield* awaitReply(options.openMillis, () => nodesOf(client, host))
    return { _tag: "Cluster", nodes: [host, ...nodes] }
  }
  if (!isOnly)
    return yield* new RedisUnavailable({ reason: "one of several hosts is not in a cluster", fault: "several" })
  return { _tag: "Server", host }
}, Effect.scoped)

const MasterReply = Schema.NullOr(Schema.Tuple([Schema.String, Schema.FiniteFromString]))

/** Queries one Sentinel for the address of a master. */
const querySentinel = Effect.fnUntraced(
  function* (
    options: ClientOptions,
    name: string,
    sentinel: Host
  ): Effect.fn.Return<Host, RedisUnavailable, Scope.Scope> {
    const client = yield* connect(options, sentinel)
    const reply = yield* awaitReply(options.openMillis, () =>
      client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])
    )
    const found = yield* Schema.decodeUnknownEffect(MasterReply)(reply).pipe(
      Effect.mapError(() => new RedisUnavailable({ reason: "a Sentinel's reply is not an address" }))
    )
    if (found === null) {
      return yield* new RedisUnavailable({ reason: "the Sentinels watch no master of that name", fault: "master" })
    }
    const [host, port] = found
    return { host, port }
  },
  Effect.scoped,
  Effect.catchTag("RedisUnavailable", (error) =>
    Effect.fail(
      error.reason === "ERR" ? new RedisUnavailable({ reason: "it is not a Sentinel", fault: "no-sentinel" }) : error
    )
  )
)

/** Tries each host. If all fail, fails with the last error that names a fault or, without such an error, with the last error. */
const firstOf = <A, R>(
  hosts: ReadonlyArray<Host>,
  attempt: (host: Host) => Effect.Effect<A, RedisUnavailable, R>
): Effect.Effect<A, RedisUnavailable, R> => {
  const go = (index: number, errorToReport: RedisUnavailable): Effect.Effect<A, RedisUnavailable, R> => {
    const host = hosts[index]
    return host === undefined
      ? Effect.fail(errorToReport)
      : Effect.catchTag(attempt(host), "RedisUnavailable", (error) =>
          go(index + 1, error.fault === undefined && errorToReport.fault !== undefined ? errorToReport : error)
        )
  }
  return go(0, new RedisUnavailable({ reason: "no host" }))
}

/**
 * Finds what to connect to: tries one host after another until one answers. `known` holds further nodes of the cluster, from
 * an earlier connection.
 */
export const find = (
  { hosts, login, database, master, tls }: RedisAddress,
  known: ReadonlyArray<Host>,
  openMillis: number
): Effect.Effect<Target, RedisUnavailable> => {
  const options: ClientOptions = { tls, login, database, openMillis, onError: () => {} }
  if (master === undefined) {
    return firstOf([...hosts, ...known], (host) => identify(options, host, hosts.length === 1))
  }
  return Effect.map(
    firstOf(hosts, (host) =>
      querySentinel({ ...options, login: master.login, database: undefined }, master.name, host)
    ),
    (host) => ({ _tag: "Server", host })
  )
}
