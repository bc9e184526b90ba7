/**
 * The size up to which a body is not counted against the limit of memory; a chat of that size is parsed before the rate limit is checked. Pure.
 *
 * Ordinary pages send less. The limits on connections and queued requests also bound the memory of small bodies, and parsing
 * a small body takes less than a millisecond, whatever it holds.
 *
 * @module
 */

/** The maximum size of a small body in bytes. */
export const maxBytes = 4_096
