/**
 * Compares the bounds of connections with the number of files and sockets that a process may open. Pure.
 *
 * @module
 */
import * as ConnectionTable from "../limits/ConnectionTable.ts"
import { type Finding, ok, warning } from "./Finding.ts"

export interface ConnectionFacts {
  /** The files and sockets that a process may open; `Infinity` if that is not limited. */
  readonly descriptors: number
  /** `DATABASE_CONNECTIONS`. */
  readonly databaseConnections: number
  /** `CONNECTIONS_PER_ADDRESS`; null for `off`. */
  readonly perAddress: number | null
}

/** A process that keeps fewer connections is easily filled: ten addresses are enough. */
const few = 1_000

/** The largest share of the connections that one address should hold. */
const share = 1 / 4

const raise =
  "Raise the limit of open files for the service: `ulimit -n 65536`, or LimitNOFILE=65536 in a systemd unit."

export const ofConnections = ({ databaseConnections, descriptors, perAddress }: ConnectionFacts): Finding => {
  if (descriptors === Number.POSITIVE_INFINITY) {
    return ok("connections", "The number of open files is not limited here, so neither is the number of connections.")
  }
  const total = ConnectionTable.totalOf(descriptors, databaseConnections)
  const finding = `A process may open ${descriptors} files and sockets here, so it keeps ${total} connections at most`
  if (total < few) return warning("connections", `${finding}.`, raise)
  if (perAddress === null) {
    return warning(
      "connections",
      `${finding}, and one address may hold all of them.`,
      "Unset CONNECTIONS_PER_ADDRESS, unless connections come from trusted proxies alone."
    )
  }
  return perAddress > total * share
    ? warning(
        "connections",
        `${finding}, and one address may hold ${Math.min(perAddress, total)} of them.`,
        `Set CONNECTIONS_PER_ADDRESS to ${Math.floor(total * share)} or less, or raise the limit of open files.`
      )
    : ok("connections", `${finding}, and ${perAddress} of one address.`)
}
