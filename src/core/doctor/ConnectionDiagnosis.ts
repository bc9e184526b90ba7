/**
 * Compares the limits of connections with the number of files and sockets that a process may open. Pure.
 *
 * @module
 */
import * as ConnectionBounds from "../limits/ConnectionBounds.ts"
import { type Finding, ok, warning } from "./Finding.ts"

export interface ConnectionFacts {
  /** The files and sockets that a process may open; `Infinity` if that is not limited. */
  readonly descriptors: number
  /** `DATABASE_CONNECTIONS`. */
  readonly databaseConnections: number
  /** `CONNECTIONS_PER_ADDRESS`; null for `off`. */
  readonly perAddress: number | null
}

/** Fewer connections are easily used up: with the default of `CONNECTIONS_PER_ADDRESS`, by ten addresses. */
const minTotal = 1_000

/** The maximum share of the connections that one address should hold. */
const maxShare = 1 / 4

const raise =
  "Raise the limit of open files for the service: `ulimit -n 65536`, or LimitNOFILE=65536 in a systemd unit."

export const ofConnections = ({ databaseConnections, descriptors, perAddress }: ConnectionFacts): Finding => {
  if (descriptors === Number.POSITIVE_INFINITY) {
    return ok("connections", "This system does not limit open files, so the number of connections is not limited.")
  }
  const total = ConnectionBounds.totalOf(descriptors, databaseConnections)
  const finding = `A process may open ${descriptors} files and sockets here, so it accepts up to ${total} connections`
  if (total < minTotal) return warning("connections", `${finding}.`, raise)
  const bound = `Set CONNECTIONS_PER_ADDRESS to ${Math.floor(total * maxShare)} or less`
  if (perAddress === null) {
    return warning(
      "connections",
      `${finding}, and one address may hold all of them.`,
      `${bound}, unless all connections come from trusted proxies.`
    )
  }
  return perAddress > total * maxShare
    ? warning(
        "connections",
        `${finding}, and one address may hold ${Math.min(perAddress, total)} of them.`,
        `${bound}, or raise the limit of open files.`
      )
    : ok("connections", `${finding}, of which one address may hold ${perAddress}.`)
}
