/**
 * Decides which connections a server keeps: at most `total`, and at most `perClient` of one client. A connection that
 * exceeds a bound takes the place of the connection that has been idle for longest; if none is idle, it is refused. Pure:
 * it holds entries, and neither sockets nor a clock.
 *
 * @module
 */

export interface Limits {
  /** `Infinity` for no bound. */
  readonly total: number
  /** `Infinity` for no bound. */
  readonly perClient: number
}

/** A connection. It is idle from when it is added until its first request, and between two requests. */
export interface Entry<A> {
  /** The caller's value. */
  readonly value: A
  /** When it became idle, in the caller's unit of time; undefined while it has an open request. */
  readonly idleSince: number | undefined
}

/** The outcome of adding a connection. */
export type Outcome<A> =
  | { readonly _tag: "Kept"; readonly entry: Entry<A> }
  /** The new connection is kept in place of `closed`, which is removed. `bound` is the bound that the new one exceeded. */
  | { readonly _tag: "Replaced"; readonly entry: Entry<A>; readonly closed: A; readonly bound: Bound }
  /** No connection that counts against `bound` is idle. */
  | { readonly _tag: "Refused"; readonly bound: Bound }

export type Bound = keyof Limits

export interface ConnectionTable<A> {
  /**
   * Adds a connection that is idle from `now` on. `client` is undefined for a trusted proxy: its connections count only
   * in `total`, and are closed only if no other connection is idle. Times must not decrease from call to call.
   */
  readonly add: (value: A, client: string | undefined, now: number) => Outcome<A>
  /** Marks a connection as one with an open request. */
  readonly markBusy: (entry: Entry<A>) => void
  /** Marks a connection as one without an open request. */
  readonly markIdle: (entry: Entry<A>, now: number) => void
  /** Removes a connection; does nothing if it was removed before. */
  readonly remove: (entry: Entry<A>) => void
  /** The idle connections that became idle at `time` or before. */
  readonly idleUntil: (time: number) => ReadonlyArray<Entry<A>>
  readonly size: () => number
  /** The number of clients that have connections. Other clients are not remembered. */
  readonly clients: () => number
}

/** A position in a circular doubly linked list; the list itself is the position without an entry. */
class Position<A> {
  previous: Position<A> = this
  next: Position<A> = this
  readonly entry: Kept<A> | undefined

  constructor(entry?: Kept<A>) {
    this.entry = entry
  }

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.previous = this
    this.next = this
  }

  /** Puts a position that is in no list at the end of this list. */
  append(last: Position<A>): void {
    last.previous = this.previous
    last.next = this
    this.previous.next = last
    this.previous = last
  }
}

interface Client<A> {
  readonly key: string
  /** Its idle connections, the longest idle first. */
  readonly idle: Position<A>
  connections: number
}

class Kept<A> implements Entry<A> {
  readonly value: A
  readonly client: Client<A> | undefined
  idleSince: number | undefined = undefined
  isRemoved = false
  /** Its position among the idle connections of all clients, or of all proxies. */
  readonly inAll = new Position<A>(this)
  /** Its position among the idle connections of its client. */
  readonly inClient = new Position<A>(this)

  constructor(value: A, client: Client<A> | undefined) {
    this.value = value
    this.client = client
  }
}

/** Descriptors for everything but connections to clients, agents and the database: the listener, Redis, files, the log. */
const reserved = 64

/**
 * The bound of the connections of a process that may open `descriptors` files and sockets: half of what is neither
 * reserved nor for the database, since a chat needs a second descriptor for its agent.
 */
export const totalOf = (descriptors: number, databaseConnections: number): number =>
  Math.max(1, Math.floor((descriptors - reserved - databaseConnections) / 2))

/** A bound for all workers together, divided by their number. */
export const perWorker = (bound: number, workers: number): number => Math.ceil(bound / workers)

export const make = <A>({ perClient, total }: Limits): ConnectionTable<A> => {
  const clients = new Map<string, Client<A>>()
  const idleOfClients = new Position<A>()
  const idleOfProxies = new Position<A>()
  let size = 0

  const clientOf = (key: string): Client<A> => {
    const known = clients.get(key)
    if (known !== undefined) return known
    const client: Client<A> = { key, idle: new Position<A>(), connections: 0 }
    clients.set(key, client)
    return client
  }

  /** Removes a connection from the lists of idle ones. */
  const unlink = (kept: Kept<A>): void => {
    kept.idleSince = undefined
    kept.inAll.unlink()
    kept.inClient.unlink()
  }

  const markIdle = (entry: Entry<A>, now: number): void => {
    const kept = entry as Kept<A>
    if (kept.isRemoved) return
    unlink(kept)
    kept.idleSince = now
    ;(kept.client === undefined ? idleOfProxies : idleOfClients).append(kept.inAll)
    kept.client?.idle.append(kept.inClient)
  }

  const remove = (entry: Entry<A>): void => {
    const kept = entry as Kept<A>
    if (kept.isRemoved) return
    kept.isRemoved = true
    unlink(kept)
    size--
    if (kept.client !== undefined && --kept.client.connections === 0) clients.delete(kept.client.key)
  }

  const keep = (value: A, key: string | undefined, now: number): Entry<A> => {
    const client = key === undefined ? undefined : clientOf(key)
    const kept = new Kept(value, client)
    if (client !== undefined) client.connections++
    size++
    markIdle(kept, now)
    return kept
  }

  return {
    add: (value, key, now) => {
      const client = key === undefined ? undefined : clients.get(key)
      const bound: Bound | undefined =
        client !== undefined && client.connections >= perClient ? "perClient" : size >= total ? "total" : undefined
      if (bound === undefined) return { _tag: "Kept", entry: keep(value, key, now) }
      const oldest =
        bound === "perClient" ? client?.idle.next.entry : (idleOfClients.next.entry ?? idleOfProxies.next.entry)
      if (oldest === undefined) return { _tag: "Refused", bound }
      remove(oldest)
      return { _tag: "Replaced", entry: keep(value, key, now), closed: oldest.value, bound }
    },
    markBusy: (entry) => unlink(entry as Kept<A>),
    markIdle,
    remove,
    idleUntil: (time) => {
      const found: Array<Entry<A>> = []
      for (const list of [idleOfClients, idleOfProxies]) {
        for (let { entry } = list.next; entry !== undefined; { entry } = entry.inAll.next) {
          if (entry.idleSince === undefined || entry.idleSince > time) break
          found.push(entry)
        }
      }
      return found
    },
    size: () => size,
    clients: () => clients.size
  }
}
