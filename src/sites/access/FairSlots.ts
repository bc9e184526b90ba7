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
  /** The tickets that wait, by their owners in the order of turns: an owner that was served moves to the end. */
  const waiting = new Map<string, Set<T>>()
  let size = 0
  const holding = new Set<T>()
  const heldBy = new Map<string, number>()
  const held = (owner: string): number => heldBy.get(owner) ?? 0

  const stopWaiting = (ticket: T): boolean => {
    const own = waiting.get(ticket.owner)
    if (own?.delete(ticket) !== true) return false
    if (own.size === 0) waiting.delete(ticket.owner)
    size--
    return true
  }

  return {
    request: (ticket) => {
      const own = waiting.get(ticket.owner) ?? new Set<T>()
      if (own.size >= limits.waitingPerOwner) return "owner"
      if (size >= limits.waiting) return "all"
      waiting.set(ticket.owner, own.add(ticket))
      size++
      return null
    },
    next: () => {
      if (holding.size >= limits.slots) return undefined
      for (let most = 0; most < limits.slotsPerOwner; most++) {
        for (const [owner, own] of waiting) {
          if (held(owner) > most) continue
          for (const ticket of own) {
            waiting.delete(owner)
            waiting.set(owner, own)
            stopWaiting(ticket)
            holding.add(ticket)
            heldBy.set(owner, held(owner) + 1)
            return ticket
          }
        }
      }
      return undefined
    },
    leave: (ticket) => {
      if (stopWaiting(ticket) || !holding.delete(ticket)) return
      const left = held(ticket.owner) - 1
      if (left === 0) heldBy.delete(ticket.owner)
      else heldBy.set(ticket.owner, left)
    },
    waitsFor: (owner) => (held(owner) > 0 ? "owner" : "all")
  }
}
