/**
 * One connection of the rate limiter to Redis: to a server, or to all masters of a cluster. A failed connection is never
 * reconnected but replaced by a new one, so that nothing queues while Redis is unavailable and no request waits for a hanging
 * Redis.
 *
 * An address names one server, a cluster, or Sentinels that name the master. The Sentinel client of the package `redis` hides why
 * it cannot connect, so this module queries the Sentinels itself.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Deferred, Effect, Redacted, Result, Schema, type Scope } from "effect"
import { ErrorReply } from "redis"
import * as Clients from "./Clients.ts"
import { awaitReply, type Client, type ClientOptions, connect, RedisUnavailable } from "./Clients.ts"
import type { Host, RedisAddress } from "./RedisUrl.ts"
import * as RedisUrl from "./RedisUrl.ts"

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

/**
 * The exact sliding window of `platform/limits/RateLimit` as an atomic script. The accepted requests of a client, or of a network, are
 * a list of times in milliseconds, oldest first. If the newest is in the future, the clock was set back: all times shift back with
 * it, so that the counts remain and the client waits at most one window. If the clock is set forward by a window, the counts expire.
 *
 * `KEYS`: the list of the client, and that of its network if it has one. `ARGV`: the window and a list's time to live after a
 * change (both in milliseconds), the current time, or an empty string for the server's, and the limit of each list. Counts the
 * request in all lists, or in none if a limit is reached. Returns the current time and, for each list, the number of requests
 * counted before this one and the time of the oldest of them (0 if there is none).
 */
const script = `
local window = tonumber(ARGV[1])
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call("TIME")
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local result = { now }
local changed = {}
local accepted = true
for index, key in ipairs(KEYS) do
  local function at(position)
    return tonumber(redis.call("LINDEX", key, position) or "")
  end

  local newest = at(-1)
  if newest and newest > now then
    local times = redis.call("LRANGE", key, 0, -1)
    redis.call("DEL", key)
    for _, time in ipairs(times) do
      redis.call("RPUSH", key, string.format("%.0f", time - newest + now))
    end
    changed[index] = true
  elseif newest and newest <= now - window then
    redis.call("DEL", key)
  end

  local oldest = at(0)
  while oldest and oldest <= now - window do
    redis.call("LPOP", key)
    oldest = at(0)
  end

  local count = redis.call("LLEN", key)
  accepted = accepted and count < tonumber(ARGV[3 + index])
  table.insert(result, count)
  table.insert(result, oldest or 0)
end

for index, key in ipairs(KEYS) do
  if accepted then redis.call("RPUSH", key, string.format("%.0f", now)) end
  if accepted or changed[index] then redis.call("PEXPIRE", key, ARGV[2]) end
end
return result
`

/** The script's digest, for `EVALSHA`. */
const scriptSha = hash("sha1", script)

/** The script's reply: the current time, and for each list the count and the time of the oldest counted request. */
const Reply = Schema.TupleWithRest(Schema.Tuple([Schema.Int, Schema.Int, Schema.Int]), [Schema.Int])
type Reply = typeof Reply.Type

/** What `REDIS_URL` resolves to. */
export type RedisTopology =
  | { readonly _tag: "Server" }
  | { readonly _tag: "Cluster"; readonly masters: number }
  | { readonly _tag: "Sentinel"; readonly master: string }

export interface Connection {
  /**
   * Runs the script. If the reply is late or an error, the connection is lost. The keys of a call must have one hash tag, so that
   * a cluster can run it on one node.
   */
  readonly take: (keys: ReadonlyArray<string>, args: ReadonlyArray<string>) => Effect.Effect<Reply, RedisUnavailable>
  /** Completes when the connection is lost. */
  readonly lost: Deferred.Deferred<never, RedisUnavailable>
  readonly topology: RedisTopology
  /** The nodes of the cluster; empty for a server. */
  readonly nodes: ReadonlyArray<RedisUrl.Host>
}

const decodeReply = Schema.decodeUnknownResult(Reply)

/** The minimum timeout for opening a connection, and for its first reply. No request waits for either. */
const minOpenMillis = 1000

/** Runs the script on a server, or on the node of a cluster that has the keys. */
const run = async (
  client: Pick<Clients.Client, "evalSha" | "eval"> | Pick<Clients.Cluster, "evalSha" | "eval">,
  keys: ReadonlyArray<string>,
  args: ReadonlyArray<string>
): Promise<unknown> => {
  const call = { keys: [...keys], arguments: [...args] }
  try {
    return await client.evalSha(scriptSha, call)
  } catch (error) {
    // A restarted or flushed Redis no longer caches the script; EVAL loads it again.
    if (error instanceof ErrorReply && error.message.startsWith("NOSCRIPT")) return await client.eval(script, call)
    throw error
  }
}

/** One key for each master of the cluster. Fails if a slot has no master. */
const keyOfEachMaster = async (cluster: Clients.Cluster, prefix: string): Promise<ReadonlyArray<string>> => {
  if (cluster.slots.includes(undefined as never)) {
    throw new RedisUnavailable({ reason: "some slots of the cluster have no master" })
  }
  const keys = new Map<unknown, string>()
  for (let index = 0; keys.size < cluster.masters.length && index < cluster.slots.length; index++) {
    const key = `${prefix}:${index}`
    const client = await cluster.getNodeClientForKey(key)
    if (!keys.has(client)) keys.set(client, key)
  }
  return [...keys.values()]
}

/** Removes the fault `replica`: during a failover, Sentinels may name a replica although `REDIS_URL` is right. */
const duringFailover = (error: RedisUnavailable): RedisUnavailable =>
  error.fault === "replica"
    ? new RedisUnavailable({ reason: "the Sentinels name a replica, as during a failover" })
    : error

/**
 * Opens a connection and runs the script once on `probeKey`, in a cluster once on each master, so that a Redis that rejects
 * writes (a replica, out of memory) counts as unavailable. The connection closes with the scope.
 */
export const open = Effect.fnUntraced(function* (options: {
  readonly url: Redacted.Redacted
  /** Further nodes of the cluster, from an earlier connection. */
  readonly known: ReadonlyArray<RedisUrl.Host>
  /** How long one request waits for a reply, in milliseconds. */
  readonly timeoutMillis: number
  readonly probeKey: string
}): Effect.fn.Return<Connection, RedisUnavailable, Scope.Scope> {
  const { known, probeKey, timeoutMillis, url } = options
  const parsed = RedisUrl.parse(Redacted.value(url))
  if (Result.isFailure(parsed)) {
    return yield* new RedisUnavailable({ reason: "REDIS_URL cannot be read", fault: "address" })
  }
  const address = parsed.success
  const { master } = address
  const openMillis = Math.max(minOpenMillis, timeoutMillis)
  const lost = yield* Deferred.make<never, RedisUnavailable>()
  const lose = (error: RedisUnavailable) => Deferred.doneUnsafe(lost, Effect.fail(error))

  const found = yield* find(address, known, openMillis)
  const clientOptions = { ...address, openMillis, onError: lose }
  const decoded = (reply: unknown) =>
    Result.match(decodeReply(reply), {
      onSuccess: Effect.succeed,
      onFailure: () => Effect.fail(new RedisUnavailable({ reason: "the reply is not in the script's format" }))
    })
  const takeOn =
    (client: Parameters<typeof run>[0]) =>
    (millis: number) =>
    (keys: ReadonlyArray<string>, args: ReadonlyArray<string>) =>
      awaitReply(millis, () => run(client, keys, args)).pipe(
        Effect.flatMap(decoded),
        Effect.tapError((error) => Effect.sync(() => lose(error)))
      )
  const probe = (take: ReturnType<ReturnType<typeof takeOn>>, keys: ReadonlyArray<string>) =>
    Effect.forEach(keys, (key) => take([key], ["1", "1", "", "1"]), { concurrency: "unbounded", discard: true })

  if (found._tag === "Cluster") {
    const cluster = yield* Clients.connectCluster(clientOptions, found.nodes).pipe(
      // The package's own error does not say why no node can be used; the nodes' errors do.
      Effect.catchTag("RedisUnavailable", (error) =>
        Effect.flatMap(Deferred.isDone(lost), (isDone) => (isDone ? Deferred.await(lost) : Effect.fail(error)))
      )
    )
    const take = takeOn(cluster)
    yield* probe(take(openMillis), yield* awaitReply(openMillis, () => keyOfEachMaster(cluster, probeKey)))
    const topology = { _tag: "Cluster", masters: cluster.masters.length } as const
    return { take: take(timeoutMillis), lost, topology, nodes: found.nodes }
  }
  const opened = Effect.gen(function* () {
    const take = takeOn(yield* Clients.connect(clientOptions, found.host))
    yield* probe(take(openMillis), [probeKey])
    return take(timeoutMillis)
  })
  return {
    take: yield* master === undefined ? opened : Effect.mapError(opened, duringFailover),
    lost,
    topology: master === undefined ? { _tag: "Server" } : { _tag: "Sentinel", master: master.name },
    nodes: []
  }
})
