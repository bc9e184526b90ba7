/**
 * The size up to which a body is not counted against the limit of memory. Pure.
 *
 * Ordinary pages send less. The limits on connections and queued requests also bound the memory of small bodies.
 *
 * @module
 */

/** The maximum size of a small body in bytes. */
export const maxBytes = 4_096
