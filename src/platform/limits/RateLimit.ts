/**
 * Limits the rate of requests per client in a sliding window: the policy and the decision (pure: the time is an argument), the
 * response headers, the service, the layer in the memory of this process, and the check of a request. The layers that processes
 * share are `platform/redis/RateLimiter` and `platform/cluster/RateLimiter`.
 *
 * The layer in memory has bounded memory, and uses monotonic time, so that a wall clock that jumps neither locks clients out nor
 * clears their counts. Clients cannot exhaust the memory: it holds at most `maxKeys` keys (but a client and its network in any case)
 * and `maxKeys * 64` timestamps of accepted requests (or a million, if that is more). A long key is stored as a digest. At these
 * bounds, the keys that have been idle for longest are evicted, and their clients start again from zero. So a client with more than
 * `maxKeys` addresses is not limited by this layer, but does not cause the rejection of other clients.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Clock, Context, Effect, Layer, Option } from "effect"
import * as Metrics from "../telemetry/Metrics.ts"
import { clientKey, networkKey } from "./ClientAddress.ts"

/** At most `limit` requests in any `windowMillis`. */
export interface RateLimitPolicy {
  readonly limit: number
  readonly windowMillis: number
  /** A token of the `RateLimit-Policy` field: lower-case letters. */
  readonly name: string
  /**
   * The limit of all clients of an IPv6 /48 together (see `ClientAddress.networkKey`), since one subscriber may control a whole /48,
   * which has 65,536 client keys. Undefined for no such limit.
   */
  readonly networkLimit?: number | undefined
}

/** The accepted requests of a key in the window. */
export interface Counted {
  readonly count: number
  /** The time of the oldest of them; undefined if there are none. */
  readonly oldest: number | undefined
}

export interface RateLimitDecision {
  readonly accepted: boolean
  /** How many more requests would be accepted now. */
  readonly remaining: number
  /** Milliseconds until the oldest counted request leaves the window: how long a refused client has to wait. */
  readonly resetMillis: number
}

const units = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** The highest limit: a limiter keeps the time of each counted request. */
export const maxLimit = 999_999

/** Parses `100/minute`, `5/second`, `1000/hour` or `10/day`. */
export const parse = (name: string, text: string): Option.Option<RateLimitPolicy> => {
  const match = /^\s*([1-9][0-9]*)\s*\/\s*(second|minute|hour|day)\s*$/.exec(text)
  if (match === null || Number(match[1]) > maxLimit) return Option.none()
  return Option.some({ name, limit: Number(match[1]), windowMillis: units[match[2] as keyof typeof units] })
}

/** The policy with a limit of each IPv6 /48: `factor` times the limit of a client, at most `maxLimit`. */
export const withNetworkLimit = (policy: RateLimitPolicy, factor: number): RateLimitPolicy => ({
  ...policy,
  networkLimit: Math.min(policy.limit * factor, maxLimit)
})

/**
 * Decides on a request at `now` (milliseconds), given what a client, and the network of a client that has one, counted in the window.
 * The window is half open: a request that was accepted exactly one window ago no longer counts. A request is accepted if both the
 * client and its network are below their limits. It counts for both or, if it is refused, for neither. `resetMillis` is the wait for
 * all limits that refuse it, and otherwise that of the limit with fewer remaining requests.
 *
 * Every layer of `RateLimiter` makes the same decision, whatever structure it stores the times in.
 */
export const decide = (
  { limit, networkLimit = Number.POSITIVE_INFINITY, windowMillis }: RateLimitPolicy,
  client: Counted,
  network: Counted | undefined,
  now: number
): RateLimitDecision => {
  const within = (limit: number, { count, oldest = now }: Counted): RateLimitDecision => ({
    accepted: count < limit,
    remaining: Math.max(0, limit - count - 1),
    resetMillis: oldest + windowMillis - now
  })
  const ofClient = within(limit, client)
  if (network === undefined) return ofClient
  const ofNetwork = within(networkLimit, network)
  if (ofClient.accepted && ofNetwork.accepted) return ofNetwork.remaining < ofClient.remaining ? ofNetwork : ofClient
  const refusals = [ofClient, ofNetwork].filter(({ accepted }) => !accepted)
  return { accepted: false, remaining: 0, resetMillis: Math.max(...refusals.map(({ resetMillis }) => resetMillis)) }
}

const seconds = (millis: number): number => Math.max(1, Math.ceil(millis / 1000))

/**
 * Makes a function from a decision to the response headers: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` (RFC 9110, 10.2.3) if the request was refused. Seconds are
 * rounded up, so that a client that waits for `Retry-After` is accepted.
 */
export const headers = (policy: RateLimitPolicy): ((decision: RateLimitDecision) => Record<string, string>) => {
  const name = `"${policy.name}"`
  const policyField = `${name};q=${policy.limit};w=${Math.ceil(policy.windowMillis / 1000)}`
  return ({ accepted, remaining, resetMillis }) => {
    const reset = seconds(resetMillis)
    const ratelimit = `${name};r=${remaining};t=${reset}`
    return accepted
      ? { "ratelimit-policy": policyField, ratelimit }
      : { "ratelimit-policy": policyField, ratelimit, "retry-after": String(reset) }
  }
}

export class RateLimiter extends Context.Service<
  RateLimiter,
  {
    /**
     * Decides on a request of `key`, and counts it if it is accepted. The window slides and is exact: a request is accepted
     * if and only if fewer than `policy.limit` requests of its key were accepted in the `policy.windowMillis` before it, and, if
     * its key has a network (see `ClientAddress.networkKey`), fewer than `policy.networkLimit` of the network. Both are decided and
     * counted in one atomic step.
     *
     * It never fails and never waits long: while the store of a layer is unavailable, each process counts alone.
     */
    readonly take: (policy: RateLimitPolicy, key: string) => Effect.Effect<RateLimitDecision>
  }
>()("hydracore/platform/limits/RateLimiter") {}

/** The number of timestamps that can be stored, per key of `maxKeys`. */
const timesPerKey = 64

/** The lower bound of `maxTimes`: enough for the largest limit that can be configured. */
const minTimes = 1_000_000

/** The maximum number of idle keys that a request evicts, per policy. A request adds at most one, so they do not accumulate. */
const maxSwept = 8

/** Longer keys are stored as digests. No address is longer. */
const maxKeyLength = 64

/** A client of one policy, in a list from the least to the most recent request. */
interface Client {
  readonly key: string
  readonly policy: Policy
  older: Client | undefined
  newer: Client | undefined
  /** The time of its last request, in milliseconds. */
  lastSeen: number
  /** The times of its accepted requests from `first` on, the oldest first. */
  times: Array<number>
  first: number
}

/** A policy with its clients. Their window is the same, so the first ones of the list expire first. */
interface Policy {
  windowMillis: number
  readonly clients: Map<string, Client>
  oldest: Client | undefined
  newest: Client | undefined
}

const noneCounted: Counted = { count: 0, oldest: undefined }

// UTF-16, since UTF-8 encodes all lone surrogates alike.
const shortened = (key: string): string =>
  key.length <= maxKeyLength ? key : hash("sha256", Buffer.from(key, "utf16le"), "hex")

const scratch = Buffer.alloc(2 * maxKeyLength)

/** A copy that does not hold the memory of a longer text, such as a header, from which a key was cut. */
const detached = (key: string): string => scratch.toString("utf16le", 0, scratch.write(key, "utf16le"))

/** Removes a client from the list of its policy. */
const unlink = ({ newer, older, policy }: Client): void => {
  if (older === undefined) policy.oldest = newer
  else older.newer = newer
  if (newer === undefined) policy.newest = older
  else newer.older = older
}

/** Puts a client at the newest end of the list of its policy. */
const append = (client: Client): void => {
  const { policy } = client
  client.older = policy.newest
  client.newer = undefined
  if (policy.newest === undefined) policy.oldest = client
  else policy.newest.newer = client
  policy.newest = client
}

/** The sliding windows of all clients, without Effect. The time is an argument and must not decrease. */
export class SlidingWindows {
  private readonly maxKeys: number
  private readonly maxTimes: number
  private readonly policies = new Map<string, Policy>()
  private keys = 0
  private times = 0

  constructor(options: { readonly maxKeys: number }) {
    this.maxKeys = Math.max(1, options.maxKeys)
    this.maxTimes = Math.max(minTimes, this.maxKeys * timesPerKey)
  }

  /** The number of keys, and the number of their timestamps. */
  get size(): { readonly keys: number; readonly times: number } {
    return { keys: this.keys, times: this.times }
  }

  /** Decides on a request at `now` (milliseconds), and counts it if it is accepted. Policies are identified by name. */
  take(limits: RateLimitPolicy, clientKey: string, now: number): RateLimitDecision {
    const policy = this.policyOf(limits)
    const key = shortened(clientKey)
    const network = limits.networkLimit === undefined ? undefined : networkKey(key)
    const keys = network === undefined ? [key] : [key, network]
    const clients = keys.map((one) => this.renewed(policy, one, now))
    const [ofClient = noneCounted, ofNetwork] = clients.map((client) => this.countedAt(client, now))
    this.sweep(now)
    const decision = decide(limits, ofClient, ofNetwork, now)
    if (decision.accepted) {
      for (const [index, one] of keys.entries()) {
        const client = clients[index] ?? this.added(policy, one, now, clients)
        clients[index] = client
        this.count(client, now, clients)
      }
    }
    return decision
  }

  private policyOf({ name, windowMillis }: RateLimitPolicy): Policy {
    let policy = this.policies.get(name)
    if (policy === undefined) {
      policy = { windowMillis, clients: new Map(), oldest: undefined, newest: undefined }
      this.policies.set(name, policy)
    }
    policy.windowMillis = windowMillis
    return policy
  }

  /** The client of a key, moved to the newest end of its list, if it is known. */
  private renewed({ clients }: Policy, key: string, now: number): Client | undefined {
    const client = clients.get(key)
    if (client === undefined) return undefined
    unlink(client)
    append(client)
    client.lastSeen = now
    return client
  }

  /** Adds a client, and evicts another if there are too many, but none of the spared ones. */
  private added(policy: Policy, key: string, now: number, spared: ReadonlyArray<Client | undefined>): Client {
    if (this.keys >= this.maxKeys) this.evictOldest(spared)
    const client: Client = {
      key: detached(key),
      policy,
      older: undefined,
      newer: undefined,
      lastSeen: now,
      times: [],
      first: 0
    }
    policy.clients.set(client.key, client)
    append(client)
    this.keys++
    return client
  }

  /** Removes a client's times that have left the window, and counts the others. */
  private countedAt(client: Client | undefined, now: number): Counted {
    if (client === undefined) return noneCounted
    const { times } = client
    const windowStart = now - client.policy.windowMillis
    let { first } = client
    while (first < times.length && times[first]! <= windowStart) first++
    this.times -= first - client.first
    client.first = first
    return first === times.length ? noneCounted : { count: times.length - first, oldest: times[first] }
  }

  /** Counts an accepted request, and evicts clients, but none of the spared ones, if there are too many times. */
  private count(client: Client, now: number, spared: ReadonlyArray<Client | undefined>): void {
    const { first, times } = client
    if (first * 2 < times.length) times.push(now)
    else {
      // Most clients send one request: an array with room for more would take twice the memory.
      client.times = [...times.slice(first), now]
      client.first = 0
    }
    this.times++
    while (this.times > this.maxTimes && this.evictOldest(spared)) {}
  }

  private evict(client: Client): void {
    unlink(client)
    client.policy.clients.delete(client.key)
    this.keys--
    this.times -= client.times.length - client.first
  }

  /** Evicts the client, other than the spared ones, that was idle for longest. False if there is no such client. */
  private evictOldest(spared: ReadonlyArray<Client | undefined>): boolean {
    let oldest: Client | undefined
    for (const policy of this.policies.values()) {
      let first = policy.oldest
      while (first !== undefined && spared.includes(first)) first = first.newer
      if (first !== undefined && (oldest === undefined || first.lastSeen < oldest.lastSeen)) oldest = first
    }
    if (oldest === undefined) return false
    this.evict(oldest)
    return true
  }

  /** Evicts some clients that were idle for a whole window, since none of their requests counts any more. */
  private sweep(now: number): void {
    for (const policy of this.policies.values()) {
      for (let swept = 0; swept < maxSwept; swept++) {
        const { oldest } = policy
        if (oldest === undefined || oldest.lastSeen + policy.windowMillis > now) break
        this.evict(oldest)
      }
    }
  }
}

/** The in-memory limiter with at most `maxKeys` pairs of policy and client. A request takes constant time. */
export const layerMemory = (options: { readonly maxKeys: number }): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const windows = new SlidingWindows(options)
      const now = () => Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)
      return RateLimiter.of({ take: (policy, key) => Effect.sync(() => windows.take(policy, key, now())) })
    })
  )

/** Makes the shared limiter from its fallback. Decisions of the fallback are counted. */
export const withFallback = (
  options: { readonly maxKeys: number },
  shared: (fallback: RateLimiter["Service"]) => Layer.Layer<RateLimiter>
): Layer.Layer<RateLimiter> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const local = yield* RateLimiter
      const context = yield* Effect.context<never>()
      const fallbacks = Metrics.limiterFallbacks({})
      fallbacks.updateUnsafe(0, context)
      return shared({
        take: (policy, key) => {
          fallbacks.updateUnsafe(1, context)
          return local.take(policy, key)
        }
      })
    })
  ).pipe(Layer.provide(layerMemory(options)))

/** The response headers that describe the limit. */
export type LimitHeaders = Record<string, string>

export interface RateLimitResult {
  readonly accepted: boolean
  readonly headers: LimitHeaders
}

const unlimited: RateLimitResult = { accepted: true, headers: {} }

/** Takes a token for an address and continues with the result. */
export type CheckRateLimit = <A, E, R>(
  address: string,
  then: (result: RateLimitResult) => Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

/** Checks requests against a policy; without one, every request is accepted. */
export const makeCheck = (limiter: RateLimiter["Service"], policy: Option.Option<RateLimitPolicy>): CheckRateLimit => {
  if (Option.isNone(policy)) return (_, then) => Effect.suspend(() => then(unlimited))
  const headersOf = headers(policy.value)
  return (address, then) =>
    Effect.flatMap(limiter.take(policy.value, clientKey(address)), (decision) =>
      then({ accepted: decision.accepted, headers: headersOf(decision) })
    )
}
