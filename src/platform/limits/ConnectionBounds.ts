/**
 * How many connections a process accepts. Pure.
 *
 * @module
 */

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
