/**
 * Counts requests per client in this process: the exact sliding window of `core/limits/RateLimit`, with bounded memory.
 *
 * It uses monotonic time, so that a wall clock that jumps neither locks clients out nor clears their counts.
 *
 * Clients cannot exhaust the memory: it holds at most `maxKeys` keys (but a client and its network in any case) and `maxKeys * 64` timestamps of accepted requests (or a
 * million, if that is more). A key that is not an address is stored as a digest. At these bounds, the keys that have been idle
 * for longest are evicted, and their clients start again from zero. So a client with more than `maxKeys` addresses is not limited
 * by this layer, but does not cause the rejection of other clients.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import { networkKey } from "../../core/limits/ClientKey.ts"
import {
  type Counted,
  decideCounted,
  decideInNetwork,
  type RateLimitDecision,
  type RateLimitPolicy
} from "../../core/limits/RateLimit.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import * as ClientTable from "./ClientTable.ts"

/** The number of timestamps that can be stored, per key of `maxKeys`. */
const timesPerKey = 64

/** The lower bound of `maxTimes`: enough for the largest limit that can be configured. */
const minTimes = 1_000_000

/** The maximum number of idle keys that a request evicts, per policy. A request adds at most one, so they do not accumulate. */
const maxSwept = 8

/** The clients of one policy, ordered by their last request. Their window is the same, so the first ones expire first. */
interface PolicyClients {
  readonly list: ClientTable.ClientList
  windowMillis: number
}

/**
 * A ring buffer of the timestamps of a client's accepted requests; `head` is the oldest. Most clients send one request and
 * need no ring buffer.
 */
interface Ring {
  readonly times: Array<number>
  head: number
}

const noneCounted: Counted = { count: 0, oldest: undefined }

/** The sliding windows of all clients, without Effect. The time is an argument and must not decrease. */
export class SlidingWindows {
  private readonly maxKeys: number
  private readonly maxTimes: number
  private readonly clients = new ClientTable.ClientTable()
  private readonly policies = new Map<string, PolicyClients>()
  /** For each client with a capacity above 1. */
  private readonly rings = new Map<number, Ring>()
  /** The number of timestamps that all clients have capacity for. */
  private capacity = 0
  /** Not evicted: the client's network while the client is counted, and the client while its network is. */
  private spared = ClientTable.none

  constructor(options: { readonly maxKeys: number }) {
    this.maxKeys = Math.max(1, options.maxKeys)
    this.maxTimes = Math.max(minTimes, this.maxKeys * timesPerKey)
  }

  /** The number of keys, and the number of timestamps that they have capacity for. */
  get size(): { readonly keys: number; readonly times: number } {
    return { keys: this.clients.size, times: this.capacity }
  }

  /** Decides on a request at `now` (milliseconds), and counts it if it is accepted. Policies are identified by name. */
  take(policy: RateLimitPolicy, key: string, now: number): RateLimitDecision {
    const policyClients = this.clientsOf(policy)
    const { networkLimit } = policy
    const network = networkLimit === undefined ? undefined : networkKey(key)
    const client = this.renewed(policyClients, key, now)
    const ofClient = this.countedAt(client, now - policy.windowMillis)
    if (network === undefined || networkLimit === undefined) {
      this.sweep(now)
      const decision = decideCounted(policy, ofClient.count, ofClient.oldest, now)
      if (decision.accepted) this.add(this.orAdded(policyClients, client, key, now), now, policy.limit)
      return decision
    }
    const networkClient = this.renewed(policyClients, network, now)
    const ofNetwork = this.countedAt(networkClient, now - policy.windowMillis)
    this.sweep(now)
    const decision = decideInNetwork(policy, { client: ofClient, network: ofNetwork }, now)
    if (decision.accepted) {
      this.spared = networkClient
      const known = this.orAdded(policyClients, client, key, now)
      this.add(known, now, policy.limit)
      this.spared = known
      this.add(this.orAdded(policyClients, networkClient, network, now), now, networkLimit)
      this.spared = ClientTable.none
    }
    return decision
  }

  private clientsOf({ name, windowMillis }: RateLimitPolicy): PolicyClients {
    let policy = this.policies.get(name)
    if (policy === undefined) {
      policy = { list: this.clients.makeList(), windowMillis }
      this.policies.set(name, policy)
    }
    policy.windowMillis = windowMillis
    return policy
  }

  /** The client of a key, moved to the newest end of its policy's list; `none` if the key has none. */
  private renewed({ list }: PolicyClients, key: string, now: number): number {
    const client = this.clients.find(list, key)
    if (client === ClientTable.none) return client
    this.clients.renew(list, client)
    this.clients.lastSeen[client] = now
    return client
  }

  /** The client, or a new one for the key if it is `none`. */
  private orAdded({ list }: PolicyClients, client: number, key: string, now: number): number {
    if (client !== ClientTable.none) return client
    if (this.clients.size >= this.maxKeys) this.evictOldest(ClientTable.none)
    this.capacity++
    const added = this.clients.add(list, key)
    this.clients.lastSeen[added] = now
    return added
  }

  /** Removes a client's timestamps up to `windowStart`, and counts the others. */
  private countedAt(client: number, windowStart: number): Counted {
    if (client === ClientTable.none) return noneCounted
    const clients = this.clients
    const ring = clients.capacity[client] === 1 ? undefined : this.rings.get(client)
    let count = clients.count[client]!
    if (ring === undefined) {
      if (count === 1 && clients.singleTime[client]! <= windowStart) count = 0
    } else {
      while (count > 0 && ring.times[ring.head]! <= windowStart) {
        ring.head = (ring.head + 1) % ring.times.length
        count--
      }
    }
    clients.count[client] = count
    return {
      count,
      oldest: count === 0 ? undefined : ring === undefined ? clients.singleTime[client]! : ring.times[ring.head]!
    }
  }

  /** Adds a timestamp to a client. */
  private add(client: number, now: number, limit: number): void {
    const clients = this.clients
    const count = clients.count[client]!
    if (count === clients.capacity[client]) this.grow(client, count, limit)
    if (clients.capacity[client] === 1) {
      clients.singleTime[client] = now
    } else {
      const { head, times } = this.rings.get(client)!
      times[(head + count) % times.length] = now
    }
    clients.count[client] = count + 1
  }

  /** Doubles the capacity of a client, up to `limit`, and evicts others if there are too many timestamps. */
  private grow(client: number, count: number, limit: number): void {
    const clients = this.clients
    const ring = this.rings.get(client)
    const times = new Array<number>(Math.min(limit, count * 2)).fill(0)
    if (ring === undefined) times[0] = clients.singleTime[client]!
    else for (let index = 0; index < count; index++) times[index] = ring.times[(ring.head + index) % count]!
    this.rings.set(client, { times, head: 0 })
    clients.capacity[client] = times.length
    this.capacity += times.length - count
    while (this.capacity > this.maxTimes && this.evictOldest(client)) {}
  }

  private evict({ list }: PolicyClients, client: number): void {
    this.capacity -= this.clients.capacity[client]!
    this.rings.delete(client)
    this.clients.remove(list, client)
  }

  /** Evicts the client, other than `client` and `spared`, that was idle for longest. False if there is no such client. */
  private evictOldest(client: number): boolean {
    const clients = this.clients
    let policy: PolicyClients | undefined
    let oldest = ClientTable.none
    for (const candidate of this.policies.values()) {
      let first = candidate.list.oldest
      while (first !== ClientTable.none && (first === client || first === this.spared)) first = clients.newer[first]!
      if (
        first !== ClientTable.none &&
        (policy === undefined || clients.lastSeen[first]! < clients.lastSeen[oldest]!)
      ) {
        policy = candidate
        oldest = first
      }
    }
    if (policy === undefined) return false
    this.evict(policy, oldest)
    return true
  }

  /** Evicts some clients that were idle for a whole window, since none of their requests counts any more. */
  private sweep(now: number): void {
    for (const policy of this.policies.values()) {
      for (let swept = 0; swept < maxSwept; swept++) {
        const client = policy.list.oldest
        if (client === ClientTable.none || this.clients.lastSeen[client]! + policy.windowMillis > now) break
        this.evict(policy, client)
      }
    }
  }
}

/** The in-memory limiter with at most `maxKeys` pairs of policy and client. A request takes constant time. */
export const layer = (options: { readonly maxKeys: number }): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const windows = new SlidingWindows(options)
      const now = () => Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)
      return RateLimiter.of({ take: (policy, key) => Effect.sync(() => windows.take(policy, key, now())) })
    })
  )
