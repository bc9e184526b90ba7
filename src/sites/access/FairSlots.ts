/**
 * Shares a few slots among owners. A free slot goes to a waiting owner with the fewest slots; of several, to the one that was
 * served longest ago. So an owner gets a second slot only while no owner without a slot waits, and an owner with a thousand tickets delays each
 * of the others by one of them.
 *
 * Effect's `PartitionedSemaphore` gives permits to waiting partitions by turns, whatever they hold: an owner of long
 * work would soon hold all permits.
 *
 * @module
 */
export interface Limits {
  readonly slots: number
  /** The maximum number of slots of one owner. */
  readonly slotsPerOwner: number
  /** The maximum number of tickets that wait. */
  readonly waiting: number
  /** The maximum number of tickets of one owner that wait. */
  readonly waitingPerOwner: number
}

/** Whose limit refuses a ticket: the owner has too much of its own, or all owners together have too much. */
export type Refusal = "owner" | "all"

/** A request for a slot. Tickets are compared by reference. */
export interface Ticket {
  readonly owner: string
}

export interface FairSlots<T extends Ticket> {
  /** Adds a ticket to those that wait. Returns why it was not added, or null. */
  readonly request: (ticket: T) => Refusal | null
  /** The next ticket that gets a slot, which it holds from now on; undefined if no slot is free or none may be given. */
  readonly next: () => T | undefined
  /** Removes a ticket: it waits no longer, or frees its slot. A second call has no effect. */
  readonly leave: (ticket: T) => void
  /** Why a ticket of the owner still waits: the owner itself holds slots, or only others do. */
  readonly waitsFor: (owner: string) => Refusal
}

export const make = <T extends Ticket>(limits: Limits): FairSlots<T> => {
  const waiting = makeQueue<T>()
  const holding = new Set<T>()
  const heldBy = new Map<string, number>()
  const held = (owner: string): number => heldBy.get(owner) ?? 0
  return {
    request: (ticket) => {
      if (waiting.count(ticket.owner) >= limits.waitingPerOwner) return "owner"
      if (waiting.size() >= limits.waiting) return "all"
      waiting.add(ticket.owner, ticket)
      return null
    },
    next: () => {
      if (holding.size >= limits.slots) return undefined
      for (let most = 0; most < limits.slotsPerOwner; most++) {
        const ticket = waiting.take((owner) => held(owner) <= most)
        if (ticket === undefined) continue
        holding.add(ticket)
        heldBy.set(ticket.owner, held(ticket.owner) + 1)
        return ticket
      }
      return undefined
    },
    leave: (ticket) => {
      if (waiting.remove(ticket.owner, ticket) || !holding.delete(ticket)) return
      const left = held(ticket.owner) - 1
      if (left === 0) heldBy.delete(ticket.owner)
      else heldBy.set(ticket.owner, left)
    },
    waitsFor: (owner) => (held(owner) > 0 ? "owner" : "all")
  }
}

/** A queue that serves its owners in turn: an owner with a thousand items delays each of the others by one item. */
export interface FairQueue<A> {
  /** Adds an item after the owner's other items. An item that the owner already has in the queue is not added again. */
  readonly add: (owner: string, item: A) => void
  /** Removes and returns the oldest item of the next owner that may be served; undefined if there is none. */
  readonly take: (mayBeServed?: (owner: string) => boolean) => A | undefined
  /** Removes an item. Returns whether the owner had it in the queue. */
  readonly remove: (owner: string, item: A) => boolean
  readonly size: () => number
  /** The number of the owner's items. */
  readonly count: (owner: string) => number
}

export const makeQueue = <A>(): FairQueue<A> => {
  // In the order of turns: an owner that was served moves to the end.
  const owners = new Map<string, Set<A>>()
  let size = 0
  return {
    add: (owner, item) => {
      const items = owners.get(owner)
      if (items === undefined) owners.set(owner, new Set([item]))
      else if (items.has(item)) return
      else items.add(item)
      size++
    },
    take: (mayBeServed = () => true) => {
      for (const [owner, items] of owners) {
        if (!mayBeServed(owner)) continue
        owners.delete(owner)
        for (const item of items) {
          items.delete(item)
          if (items.size > 0) owners.set(owner, items)
          size--
          return item
        }
      }
      return undefined
    },
    remove: (owner, item) => {
      const items = owners.get(owner)
      if (items?.delete(item) !== true) return false
      if (items.size === 0) owners.delete(owner)
      size--
      return true
    },
    size: () => size,
    count: (owner) => owners.get(owner)?.size ?? 0
  }
}
