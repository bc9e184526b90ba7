/**
 * Counts requests per client in this process: the exact sliding window of `core/limits/RateLimit`, bounded in keys and bytes.
 *
 * Time is the process's monotonic time, which no correction of the wall clock moves: a clock that jumps back by an hour
 * neither locks clients out nor lets limits be forgotten.
 *
 * What is kept is bounded whatever strangers send: at most `maxKeys` keys, at most `maxKeys * 64` times of accepted
 * requests, and of a key that is no address only its digest. Where a bound is met, the keys that were idle longest are
 * forgotten, so that their clients start anew. This is the price: whoever can send from more than `maxKeys` addresses in
 * a window is not limited by this layer, but nobody is refused for it and the process stands.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import { decideCounted, type RateLimitDecision, type RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import * as ClientTable from "./ClientTable.ts"

/** How many times may be kept, per key that may be kept. */
const timesPerKey = 64

/** The bound on times is never below this, so that the largest limit that can be set has room. */
const minTimes = 1_000_000

/** How many idle keys one request gives back at most: more than the one it may add, so that the idle ones go. */
const sweep = 8

/** The clients of one policy, in the order of their last request. As the window is one, the oldest expire first. */
interface Table {
  readonly order: ClientTable.ClientList
  windowMillis: number
}

/** The times of a client's accepted requests, from the oldest at `head` on. Most clients ask once and need no ring. */
interface Ring {
  readonly times: Array<number>
  head: number
}

/** The counts without Effect, to which the time is given. Times must not decrease. */
export class SlidingWindows {
  readonly #maxKeys: number
  readonly #maxTimes: number
  readonly #clients = new ClientTable.ClientTable()
  readonly #tables = new Map<string, Table>()
  /** Of the clients with more than one time. */
  readonly #rings = new Map<number, Ring>()
  #times = 0

  constructor(options: { readonly maxKeys: number }) {
    this.#maxKeys = Math.max(1, options.maxKeys)
    this.#maxTimes = Math.max(minTimes, this.#maxKeys * timesPerKey)
  }

  /** How many keys are remembered, and for how many times of accepted requests there is room. */
  get size(): { readonly keys: number; readonly times: number } {
    return { keys: this.#clients.size, times: this.#times }
  }

  /** Asks for one request at `now`, in milliseconds. A policy is known by its name. */
  take(policy: RateLimitPolicy, key: string, now: number): RateLimitDecision {
    const clients = this.#clients
    const table = this.#table(policy)
    const client = this.#client(table, key)
    clients.lastSeen[client] = now
    this.#sweep(now)

    const ring = clients.capacity[client] === 1 ? undefined : this.#rings.get(client)
    const expired = now - policy.windowMillis
    let count = clients.count[client]!
    if (ring === undefined) {
      if (count === 1 && clients.singleTime[client]! <= expired) count = 0
    } else {
      while (count > 0 && ring.times[ring.head]! <= expired) {
        ring.head = (ring.head + 1) % ring.times.length
        count--
      }
    }
    const oldest = count === 0 ? undefined : ring === undefined ? clients.singleTime[client]! : ring.times[ring.head]!
    const decision = decideCounted(policy, count, oldest, now)
    clients.count[client] = decision.accepted ? count + 1 : count
    if (decision.accepted) this.#add(client, count, now, policy.limit)
    return decision
  }

  #table(policy: RateLimitPolicy): Table {
    let table = this.#tables.get(policy.name)
    if (table === undefined) {
      table = { order: this.#clients.makeList(), windowMillis: 0 }
      this.#tables.set(policy.name, table)
    }
    table.windowMillis = policy.windowMillis
    return table
  }

  /** A key's client, now the newest of its table. */
  #client(table: Table, key: string): number {
    const known = this.#clients.find(table.order, key)
    if (known !== ClientTable.none) {
      this.#clients.renew(table.order, known)
      return known
    }
    if (this.#clients.size >= this.#maxKeys) this.#forgetOldest(ClientTable.none)
    this.#times++
    return this.#clients.add(table.order, key)
  }

  /** Adds a time to the `count` that a client has. */
  #add(client: number, count: number, now: number, limit: number): void {
    const clients = this.#clients
    if (count === clients.capacity[client]) this.#grow(client, count, limit)
    if (clients.capacity[client] === 1) {
      clients.singleTime[client] = now
    } else {
      const { head, times } = this.#rings.get(client)!
      times[(head + count) % times.length] = now
    }
  }

  /** Doubles the room of a client that has none left, up to the limit, and makes room for that if there is none. */
  #grow(client: number, count: number, limit: number): void {
    const clients = this.#clients
    const ring = this.#rings.get(client)
    const times = new Array<number>(Math.min(limit, count * 2)).fill(0)
    if (ring === undefined) times[0] = clients.singleTime[client]!
    else for (let index = 0; index < count; index++) times[index] = ring.times[(ring.head + index) % count]!
    this.#rings.set(client, { times, head: 0 })
    clients.capacity[client] = times.length
    this.#times += times.length - count
    while (this.#times > this.#maxTimes && this.#forgetOldest(client)) {}
  }

  #forget(table: Table, client: number): void {
    this.#times -= this.#clients.capacity[client]!
    this.#rings.delete(client)
    this.#clients.remove(table.order, client)
  }

  /** Forgets the client, other than `spared`, that was idle longest; false if there is none. */
  #forgetOldest(spared: number): boolean {
    const clients = this.#clients
    let table: Table | undefined
    let oldest = ClientTable.none
    for (const candidate of this.#tables.values()) {
      const first = candidate.order.oldest
      const client = first === spared && first !== ClientTable.none ? clients.newer[first]! : first
      if (
        client !== ClientTable.none &&
        (table === undefined || clients.lastSeen[client]! < clients.lastSeen[oldest]!)
      ) {
        table = candidate
        oldest = client
      }
    }
    if (table === undefined) return false
    this.#forget(table, oldest)
    return true
  }

  /** Gives back some clients that were idle for a window: none of their requests counts any more. */
  #sweep(now: number): void {
    for (const table of this.#tables.values()) {
      for (let swept = 0; swept < sweep; swept++) {
        const client = table.order.oldest
        if (client === ClientTable.none || this.#clients.lastSeen[client]! + table.windowMillis > now) break
        this.#forget(table, client)
      }
    }
  }
}

/**
 * The in-memory limiter, which remembers at most `maxKeys` pairs of policy and client. A request costs no scan: it looks
 * at the oldest keys alone, and gives back those that are idle.
 */
export const layer = (options: { readonly maxKeys: number }): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const counts = new SlidingWindows(options)
      const now = () => Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)
      return RateLimiter.of({ take: (policy, key) => Effect.sync(() => counts.take(policy, key, now())) })
    })
  )
