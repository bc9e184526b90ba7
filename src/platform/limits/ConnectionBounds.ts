/**
 * How many connections a process accepts.
 *
 * @module
 */
import { Context } from "effect"

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

/** Members that are missing in Node's types. */
interface Report {
  excludeNetwork: boolean
  readonly getReport: () => { readonly userLimits?: { readonly open_files?: { readonly soft?: unknown } } }
}

/** `Infinity` if there is no limit, or if the system reports none. */
const read = (): number => {
  const report = process.report as unknown as Report
  const { excludeNetwork } = report
  // With the network, the report would wait for a reverse DNS lookup of every peer.
  report.excludeNetwork = true
  const soft = report.getReport().userLimits?.open_files?.soft
  report.excludeNetwork = excludeNetwork
  return typeof soft === "number" ? soft : Number.POSITIVE_INFINITY
}

/**
 * The number of files and sockets that this process may have open. Node raises the soft limit to the hard limit on start. Tests
 * provide other values.
 */
export const DescriptorLimit = Context.Reference<number>("hydracore/platform/runtime/DescriptorLimit", {
  defaultValue: read
})
