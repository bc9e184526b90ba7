/**
 * A hash table of clients in typed arrays, with one array per property and one index per client. It serves hundreds of
 * thousands of clients: objects took three times the memory, and the garbage collector traversed them repeatedly.
 *
 * A client is identified by its list and its key. Collisions are chained through the array `next`. The hash has random
 * seeds, so that clients cannot choose addresses that collide.
 *
 * @module
 */
import { randomInt } from "node:crypto"
import * as KeyHash from "../../core/limits/KeyHash.ts"

/** The index of no client. Clients have indexes from 0 on. */
export const none = -1

/** A doubly linked list of clients, from the least to the most recently renewed. A client is in one list. */
export interface ClientList {
  readonly id: number
  oldest: number
  newest: number
}

const minLength = 1_024

const grown = <A extends Int32Array | Uint32Array | Uint8Array | Float64Array>(column: A, length: number): A => {
  const larger = new (column.constructor as new (length: number) => A)(length)
  larger.set(column)
  return larger
}

/** The finalizer of MurmurHash3: a bijection in which every input bit affects every output bit. */
const spread = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** `add` may replace the arrays with larger ones. */
export class ClientTable {
  /** The number of clients. */
  size = 0
  /** The time of the client's last request, in milliseconds. */
  lastSeen = new Float64Array(minLength)
  /** The number of the client's counted requests, and the number of timestamps that it has storage for. */
  count = new Uint32Array(minLength)
  capacity = new Uint32Array(minLength)
  /** The time of the client's counted request, if `capacity` is 1. */
  singleTime = new Float64Array(minLength)
  /** The next and the previous client in the list. */
  newer = new Int32Array(minLength)
  private older = new Int32Array(minLength)
  /** The list and the kind of the key: `list.id * 4 + kind`. */
  private tag = new Int32Array(minLength)
  private high = new Uint32Array(minLength)
  private low = new Uint32Array(minLength)
  /** The next client in the bucket, or the next free index if this index is free. */
  private next = new Int32Array(minLength)
  /** The first client of each bucket. There are as many buckets as indexes, so that chains are short. */
  private buckets = new Int32Array(minLength).fill(none)
  /** The first free index that was used before, and the first that was never used. */
  private free = none
  private fresh = 0
  private listCount = 0
  private readonly seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const
  private readonly hash: KeyHash.KeyHash = { kind: 0, high: 0, low: 0 }

  makeList(): ClientList {
    return { id: this.listCount++, oldest: none, newest: none }
  }

  /** The client of a key in a list, or `none`. */
  find(list: ClientList, key: string): number {
    const hash = this.hash
    KeyHash.hashInto(key, hash)
    const tag = list.id * 4 + hash.kind
    const { high, low } = hash
    let client = this.buckets[this.bucketOf(tag, high, low)]!
    while (client !== none) {
      if (this.low[client] === low && this.high[client] === high && this.tag[client] === tag) return client
      client = this.next[client]!
    }
    return none
  }

  /** Adds a key, which must not be in the list, as the newest client of the list. */
  add(list: ClientList, key: string): number {
    const client = this.allocate()
    const hash = this.hash
    KeyHash.hashInto(key, hash)
    this.tag[client] = list.id * 4 + hash.kind
    this.high[client] = hash.high
    this.low[client] = hash.low
    this.lastSeen[client] = 0
    this.count[client] = 0
    this.capacity[client] = 1
    this.singleTime[client] = 0
    this.insert(client)
    this.append(list, client)
    this.size++
    return client
  }

  /** Moves a client to the newest end of its list. */
  renew(list: ClientList, client: number): void {
    if (list.newest === client) return
    this.unlink(list, client)
    this.append(list, client)
  }

  remove(list: ClientList, client: number): void {
    this.unlink(list, client)
    const bucket = this.bucketOf(this.tag[client]!, this.high[client]!, this.low[client]!)
    const first = this.buckets[bucket]!
    if (first === client) {
      this.buckets[bucket] = this.next[client]!
    } else {
      let before = first
      while (this.next[before] !== client) before = this.next[before]!
      this.next[before] = this.next[client]!
    }
    this.next[client] = this.free
    this.free = client
    this.size--
  }

  private bucketOf(tag: number, high: number, low: number): number {
    const mixed = spread(low ^ this.seeds[0]) ^ spread(high ^ this.seeds[1] ^ tag)
    return spread(mixed) & (this.buckets.length - 1)
  }

  private allocate(): number {
    const free = this.free
    if (free !== none) {
      this.free = this.next[free]!
      return free
    }
    if (this.fresh === this.buckets.length) this.grow()
    return this.fresh++
  }

  /** Doubles the number of indexes, when all are in use. */
  private grow(): void {
    const length = this.buckets.length * 2
    this.lastSeen = grown(this.lastSeen, length)
    this.count = grown(this.count, length)
    this.capacity = grown(this.capacity, length)
    this.singleTime = grown(this.singleTime, length)
    this.newer = grown(this.newer, length)
    this.older = grown(this.older, length)
    this.tag = grown(this.tag, length)
    this.high = grown(this.high, length)
    this.low = grown(this.low, length)
    this.next = grown(this.next, length)
    this.buckets = new Int32Array(length).fill(none)
    for (let client = 0; client < this.fresh; client++) this.insert(client)
  }

  /** Inserts a client into its bucket. */
  private insert(client: number): void {
    const bucket = this.bucketOf(this.tag[client]!, this.high[client]!, this.low[client]!)
    this.next[client] = this.buckets[bucket]!
    this.buckets[bucket] = client
  }

  /** Removes a client from its list. */
  private unlink(list: ClientList, client: number): void {
    const older = this.older[client]!
    const newer = this.newer[client]!
    if (older === none) list.oldest = newer
    else this.newer[older] = newer
    if (newer === none) list.newest = older
    else this.older[newer] = older
  }

  private append(list: ClientList, client: number): void {
    this.older[client] = list.newest
    this.newer[client] = none
    if (list.newest === none) list.oldest = client
    else this.newer[list.newest] = client
    list.newest = client
  }
}
