/**
 * Counts requests per client in this process: the exact sliding window of `core/RateLimit`, bounded in keys and bytes.
 *
 * Time is the process's monotonic time, which no correction of the wall clock moves: a clock that jumps back by an hour
 * neither locks clients out nor lets limits be forgotten.
 *
 * What is kept is bounded whatever strangers send: at most `maxKeys` keys, at most `maxKeys * 64` times of accepted
 * requests, and of a key that is longer than any address only its digest. Where a bound is met, the keys that were idle
 * longest are forgotten, so that their clients start anew. This is the price: whoever can send from more than `maxKeys`
 * addresses in a window is not limited by this layer, but nobody is refused for it and the process stands.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Clock, Effect, Layer } from "effect"
import { decideCounted, type RateLimitDecision, type RateLimitPolicy } from "../core/RateLimit.ts"
import { RateLimiter } from "../services/RateLimiter.ts"

/** No address is longer (an IPv6 address with a zone); a longer key is kept as its digest. */
const maxKeyLength = 64

/** How many times may be kept, per key that may be kept. */
const timesPerKey = 64

/** The bound on times is never below this, so that the largest limit that can be set has room. */
const minTimes = 1_000_000

/** How many idle keys one request gives back at most: more than the one it may add, so that the idle ones go. */
const sweep = 8

/**
 * One client under one policy: a ring of the times of its accepted requests, and its place in the order of use. Most
 * clients ask once: the only time of a ring of one stands in the entry itself.
 */
interface Entry {
  readonly key: string
  older: Entry | undefined
  newer: Entry | undefined
  /** When it was last asked for, in milliseconds: never before its newest accepted request. */
  touched: number
  only: number
  ring: Array<number> | undefined
  head: number
  count: number
}

const room = (entry: Entry): number => entry.ring?.length ?? 1

/** The time of the request that was accepted as the one after `offset` others. */
const timeAt = (entry: Entry, offset: number): number =>
  entry.ring === undefined ? entry.only : entry.ring[(entry.head + offset) % entry.ring.length]!

/**
 * A copy, of one byte a character if that is enough: a key that was cut from a longer text (a header) would otherwise hold
 * all of that text.
 */
const copyOf = (key: string): string => {
  const narrow = Buffer.from(key, "latin1").toString("latin1")
  return narrow === key ? narrow : Buffer.from(key, "utf16le").toString("utf16le")
}

/**
 * How many maps the keys of a policy are spread over. A map that grows, or from which much was taken, is made anew in one
 * go: with 200,000 keys in it that stops the process for tens of milliseconds.
 */
const shards = 256

/** Which of the maps a key is in. */
const shardOf = (key: string): number => {
  let mixed = 0
  for (let at = 0; at < key.length; at++) mixed = (Math.imul(mixed, 31) + key.charCodeAt(at)) | 0
  return (mixed ^ (mixed >>> 15)) & (shards - 1)
}

/** The clients of one policy, in the order of their last request. As the window is one, the oldest expire first. */
interface Table {
  readonly entries: ReadonlyArray<Map<string, Entry>>
  oldest: Entry | undefined
  newest: Entry | undefined
  windowMillis: number
}

const unlink = (table: Table, entry: Entry): void => {
  if (entry.older === undefined) table.oldest = entry.newer
  else entry.older.newer = entry.newer
  if (entry.newer === undefined) table.newest = entry.older
  else entry.newer.older = entry.older
  entry.older = undefined
  entry.newer = undefined
}

const append = (table: Table, entry: Entry): void => {
  entry.older = table.newest
  if (table.newest === undefined) table.oldest = entry
  else table.newest.newer = entry
  table.newest = entry
}

/** The counts without Effect, to which the time is given. Times must not decrease. */
export class Counts {
  readonly #maxKeys: number
  readonly #maxTimes: number
  readonly #tables = new Map<string, Table>()
  #keys = 0
  #times = 0

  constructor(options: { readonly maxKeys: number }) {
    this.#maxKeys = Math.max(1, options.maxKeys)
    this.#maxTimes = Math.max(minTimes, this.#maxKeys * timesPerKey)
  }

  /** How many keys are remembered, and for how many times of accepted requests there is room. */
  get size(): { readonly keys: number; readonly times: number } {
    return { keys: this.#keys, times: this.#times }
  }

  /** Asks for one request at `now`, in milliseconds. A policy is known by its name. */
  take(policy: RateLimitPolicy, key: string, now: number): RateLimitDecision {
    const table = this.#table(policy)
    const entry = this.#entry(table, key.length > maxKeyLength ? hash("sha256", key, "base64url") : key)
    entry.touched = now
    this.#sweep(now)

    const expired = now - policy.windowMillis
    while (entry.count > 0 && timeAt(entry, 0) <= expired) {
      entry.head = (entry.head + 1) % room(entry)
      entry.count--
    }
    const oldest = entry.count === 0 ? undefined : timeAt(entry, 0)
    const decision = decideCounted(policy, entry.count, oldest, now)
    if (decision.accepted) {
      if (entry.count === room(entry)) this.#grow(entry, policy.limit)
      if (entry.ring === undefined) entry.only = now
      else entry.ring[(entry.head + entry.count) % entry.ring.length] = now
      entry.count++
    }
    return decision
  }

  #table(policy: RateLimitPolicy): Table {
    let table = this.#tables.get(policy.name)
    if (table === undefined) {
      table = {
        entries: Array.from({ length: shards }, () => new Map()),
        oldest: undefined,
        newest: undefined,
        windowMillis: 0
      }
      this.#tables.set(policy.name, table)
    }
    table.windowMillis = policy.windowMillis
    return table
  }

  /** The entry of a key, now the newest of its table. */
  #entry(table: Table, key: string): Entry {
    const entries = table.entries[shardOf(key)]!
    const known = entries.get(key)
    if (known !== undefined) {
      if (table.newest !== known) {
        unlink(table, known)
        append(table, known)
      }
      return known
    }
    if (this.#keys >= this.#maxKeys) this.#forgetOldest(undefined)
    const entry: Entry = {
      key: copyOf(key),
      older: undefined,
      newer: undefined,
      touched: 0,
      only: 0,
      ring: undefined,
      head: 0,
      count: 0
    }
    entries.set(entry.key, entry)
    append(table, entry)
    this.#keys++
    this.#times++
    return entry
  }

  /** Doubles a full ring, up to the limit, and makes room for it if there is none. */
  #grow(entry: Entry, limit: number): void {
    const length = room(entry)
    const times = new Array<number>(Math.min(limit, length * 2)).fill(0)
    for (let index = 0; index < length; index++) times[index] = timeAt(entry, index)
    entry.ring = times
    entry.head = 0
    this.#times += times.length - length
    while (this.#times > this.#maxTimes && this.#forgetOldest(entry)) {}
  }

  #forget(table: Table, entry: Entry): void {
    unlink(table, entry)
    table.entries[shardOf(entry.key)]!.delete(entry.key)
    this.#keys--
    this.#times -= room(entry)
  }

  /** Forgets the key, other than `spared`, that was idle longest; false if there is none. */
  #forgetOldest(spared: Entry | undefined): boolean {
    let table: Table | undefined
    let oldest: Entry | undefined
    for (const candidate of this.#tables.values()) {
      const entry = candidate.oldest === spared ? candidate.oldest?.newer : candidate.oldest
      if (entry !== undefined && (oldest === undefined || entry.touched < oldest.touched)) {
        table = candidate
        oldest = entry
      }
    }
    if (table === undefined || oldest === undefined) return false
    this.#forget(table, oldest)
    return true
  }

  /** Gives back some keys that were idle for a window: none of their requests counts any more. */
  #sweep(now: number): void {
    for (const table of this.#tables.values()) {
      for (let swept = 0; swept < sweep; swept++) {
        const entry = table.oldest
        if (entry === undefined || entry.touched + table.windowMillis > now) break
        this.#forget(table, entry)
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
      const counts = new Counts(options)
      const now = () => Math.floor(Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000)
      // Counted from here, so that for weeks the times are small numbers, which are kept in half the room.
      const begun = now()
      return RateLimiter.of({ take: (policy, key) => Effect.sync(() => counts.take(policy, key, now() - begun)) })
    })
  )
