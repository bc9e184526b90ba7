/**
 * The size of a body that no limit counts by itself. Pure.
 *
 * Ordinary pages send less. The limits on connections and queued requests also bound the memory of small bodies, and parsing
 * one takes less than a millisecond, whatever it holds.
 *
 * @module
 */

/** The maximum size of a small body in bytes. */
export const maxBytes = 4_096
