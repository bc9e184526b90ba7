/**
 * Many clients, kept as columns of numbers: what is kept of one is a place in each column. Made for hundreds of thousands
 * that come and go: as objects they took three times the room, and the garbage collector read them again and again.
 *
 * A client is known by its order and its key, and found by a hash table whose chains run through a column. The table's
 * hash is seeded by chance, so that nobody can choose addresses that fall together.
 *
 * @module
 */
import { randomInt } from "node:crypto"
import * as KeyHash from "../../core/limits/KeyHash.ts"

/** No client: clients are numbers from 0 on. */
export const none = -1

/** Some of the clients, from the one that was renewed longest ago to the one that was renewed last. */
export interface ClientList {
  readonly id: number
  oldest: number
  newest: number
}

const minCapacity = 1_024

const grown = <A extends Int32Array | Uint32Array | Uint8Array | Float64Array>(column: A, capacity: number): A => {
  const larger = new (column.constructor as new (length: number) => A)(capacity)
  larger.set(column)
  return larger
}

/** Spreads a word's bits over all of the result; of different words it gives different ones. (MurmurHash3's finalizer.) */
const spread = (word: number): number => {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** The columns may be replaced by larger ones whenever a client is added. */
export class ClientTable {
  /** How many there are. */
  size = 0
  /** When a client last asked, in milliseconds. */
  lastSeen = new Float64Array(minCapacity)
  /** How many of its requests count, and for how many there is room. */
  count = new Uint32Array(minCapacity)
  capacity = new Uint32Array(minCapacity)
  /** When the only request came, where there is room for one. */
  singleTime = new Float64Array(minCapacity)
  /** The client of the same order that was renewed right after it, and right before. */
  newer = new Int32Array(minCapacity)
  #older = new Int32Array(minCapacity)
  /** Which order it is in and what its words are: `order * 4 + kind`. */
  #tag = new Int32Array(minCapacity)
  #high = new Uint32Array(minCapacity)
  #low = new Uint32Array(minCapacity)
  /** The next of the same chain; of a free place, the next free one. */
  #next = new Int32Array(minCapacity)
  /** The first of each chain. As many as there are places: a chain is one client long, by and large. */
  #chains = new Int32Array(minCapacity).fill(none)
  /** The first free place that was used before, and the first that never was. */
  #free = none
  #fresh = 0
  #orders = 0
  readonly #seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const
  readonly #words: KeyHash.KeyHash = { kind: 0, high: 0, low: 0 }

  makeList(): ClientList {
    return { id: this.#orders++, oldest: none, newest: none }
  }

  /** The client of a key in an order, or `none`. */
  find(order: ClientList, key: string): number {
    const words = this.#words
    KeyHash.hashInto(key, words)
    const tag = order.id * 4 + words.kind
    const { high, low } = words
    let client = this.#chains[this.#chainOf(tag, high, low)]!
    while (client !== none) {
      if (this.#low[client] === low && this.#high[client] === high && this.#tag[client] === tag) return client
      client = this.#next[client]!
    }
    return none
  }

  /** Adds a key that is not among an order's clients, as its newest. */
  add(order: ClientList, key: string): number {
    const client = this.#place()
    const words = this.#words
    KeyHash.hashInto(key, words)
    this.#tag[client] = order.id * 4 + words.kind
    this.#high[client] = words.high
    this.#low[client] = words.low
    this.lastSeen[client] = 0
    this.count[client] = 0
    this.capacity[client] = 1
    this.singleTime[client] = 0
    this.#link(client)
    this.#append(order, client)
    this.size++
    return client
  }

  /** Makes a client the newest of its order. */
  renew(order: ClientList, client: number): void {
    if (order.newest === client) return
    this.#unlink(order, client)
    this.#append(order, client)
  }

  remove(order: ClientList, client: number): void {
    this.#unlink(order, client)
    const chain = this.#chainOf(this.#tag[client]!, this.#high[client]!, this.#low[client]!)
    const first = this.#chains[chain]!
    if (first === client) {
      this.#chains[chain] = this.#next[client]!
    } else {
      let before = first
      while (this.#next[before] !== client) before = this.#next[before]!
      this.#next[before] = this.#next[client]!
    }
    this.#next[client] = this.#free
    this.#free = client
    this.size--
  }

  #chainOf(tag: number, high: number, low: number): number {
    const mixed = spread(low ^ this.#seeds[0]) ^ spread(high ^ this.#seeds[1] ^ tag)
    return spread(mixed) & (this.#chains.length - 1)
  }

  #place(): number {
    const free = this.#free
    if (free !== none) {
      this.#free = this.#next[free]!
      return free
    }
    if (this.#fresh === this.#chains.length) this.#grow()
    return this.#fresh++
  }

  /** Doubles the room; every place is in use. */
  #grow(): void {
    const capacity = this.#chains.length * 2
    this.lastSeen = grown(this.lastSeen, capacity)
    this.count = grown(this.count, capacity)
    this.capacity = grown(this.capacity, capacity)
    this.singleTime = grown(this.singleTime, capacity)
    this.newer = grown(this.newer, capacity)
    this.#older = grown(this.#older, capacity)
    this.#tag = grown(this.#tag, capacity)
    this.#high = grown(this.#high, capacity)
    this.#low = grown(this.#low, capacity)
    this.#next = grown(this.#next, capacity)
    this.#chains = new Int32Array(capacity).fill(none)
    for (let client = 0; client < this.#fresh; client++) this.#link(client)
  }

  /** Puts a client into its chain. */
  #link(client: number): void {
    const chain = this.#chainOf(this.#tag[client]!, this.#high[client]!, this.#low[client]!)
    this.#next[client] = this.#chains[chain]!
    this.#chains[chain] = client
  }

  #unlink(order: ClientList, client: number): void {
    const older = this.#older[client]!
    const newer = this.newer[client]!
    if (older === none) order.oldest = newer
    else this.newer[older] = newer
    if (newer === none) order.newest = older
    else this.#older[newer] = older
  }

  #append(order: ClientList, client: number): void {
    this.#older[client] = order.newest
    this.newer[client] = none
    if (order.newest === none) order.oldest = client
    else this.newer[order.newest] = client
    order.newest = client
  }
}
