/**
 * Decides when a connection has been idle for too long. Idle time counts from the last answer until the head of the next
 * request is complete: blank lines between requests do not extend it. Pure.
 *
 * @module
 */

/** Milliseconds. */
export interface Timeouts {
  /** How long a connection is kept alive. */
  readonly keepAlive: number
  /** How long the head of a request may take. */
  readonly head: number
}

/** A connection without an open request. */
export interface Idle {
  /** When it became idle. */
  readonly idleSince: number
  /** The bytes that it has received in all. */
  readonly bytesRead: number
}

/** A connection as it was at the first check of this idle time. */
export interface FirstCheck extends Idle {
  readonly at: number
}

/** The idle time after which connections must be checked: the first check is then `head` milliseconds before `keepAlive` ends. */
export const checkAfter = ({ head, keepAlive }: Timeouts): number => Math.max(0, keepAlive - head)

/**
 * The state to keep at `now`, or `timed-out`. After `keepAlive`, a connection is timed out if it has received no bytes since a
 * first check at least `head` milliseconds ago. Otherwise it may be in the middle of a head, and gets `head` milliseconds more.
 */
export const check = (
  first: FirstCheck | undefined,
  { bytesRead, idleSince }: Idle,
  { head, keepAlive }: Timeouts,
  now: number
): FirstCheck | "timed-out" => {
  const idle = now - idleSince
  if (idle >= keepAlive + head) return "timed-out"
  const known = first?.idleSince === idleSince ? first : { idleSince, bytesRead, at: now }
  return idle >= keepAlive && now - known.at >= head && known.bytesRead === bytesRead ? "timed-out" : known
}
