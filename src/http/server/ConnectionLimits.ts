/**
 * Bounds the connections of a server, in all and of one address, and how long they are idle. The decisions are those of
 * `core/limits/ConnectionTable` and `core/limits/IdleTime`; here they are applied to sockets, counted, and reported in the log.
 *
 * @module
 */
import type { Socket } from "node:net"
import { type Context, Effect, Option } from "effect"
import type { IpNetwork } from "effect/net"
import * as ClientAddress from "../../core/limits/ClientAddress.ts"
import { clientKey } from "../../core/limits/ClientKey.ts"
import * as ConnectionTable from "../../core/limits/ConnectionTable.ts"
import * as IdleTime from "../../core/limits/IdleTime.ts"
import * as Metrics from "../../core/metrics/Metrics.ts"

export interface Options {
  /** The most connections of the process. */
  readonly total: number
  /** The most connections of one address; an IPv6 network of 64 bits counts as one. */
  readonly perAddress: Option.Option<number>
  /** Networks whose connections `perAddress` does not bound. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly idle: IdleTime.Timeouts
}

/** A connection that is kept. */
export interface Connection {
  readonly socket: Socket
  seen: IdleTime.Seen | undefined
}

export type Entry = ConnectionTable.Entry<Connection>

export interface ConnectionLimits {
  /** Takes in a connection, which may close another; undefined if it was refused, and reset. */
  readonly open: (socket: Socket, now: number) => Entry | undefined
  readonly busy: (entry: Entry) => void
  readonly idle: (entry: Entry, now: number) => void
  readonly remove: (entry: Entry) => void
  /** Closes the connections that have been idle for too long. */
  readonly closeIdle: (now: number) => void
  /** What to log at `now`; at most one warning a minute for each bound. */
  readonly warnings: (now: number) => ReadonlyArray<string>
}

/** The time between two warnings about one bound, in milliseconds. */
const betweenWarnings = 60_000

const advice = {
  total: "Raise the limit of open files (`ulimit -n`, LimitNOFILE) if they are visitors.",
  perClient: "Raise CONNECTIONS_PER_ADDRESS if they are visitors, or name their proxy in TRUSTED_PROXIES."
}

/** Counts what one bound did, and says it once a minute. */
const reporter = (bound: ConnectionTable.Bound, limit: number, context: Context.Context<never>) => {
  const label = bound === "total" ? "process" : "address"
  const closedMetric = Metrics.connectionsLimited({ bound: label, outcome: "closed" })
  const refusedMetric = Metrics.connectionsLimited({ bound: label, outcome: "refused" })
  for (const metric of [closedMetric, refusedMetric]) metric.updateUnsafe(0, context)
  let [closed, refused, quietUntil] = [0, 0, Number.NEGATIVE_INFINITY]
  return {
    closed: () => {
      closed++
      closedMetric.updateUnsafe(1, context)
    },
    refused: () => {
      refused++
      refusedMetric.updateUnsafe(1, context)
    },
    warning: (now: number): ReadonlyArray<string> => {
      if (closed + refused === 0 || now < quietUntil) return []
      const what = `${bound === "total" ? "The process" : "An address"} reached its bound of ${limit} connections`
      const text = `${what}: idle ones closed ${closed}, new ones refused ${refused}. ${advice[bound]}`
      ;[closed, refused, quietUntil] = [0, 0, now + betweenWarnings]
      return [text]
    }
  }
}

export const make = (options: Options, context: Context.Context<never>): ConnectionLimits => {
  const perClient = Option.getOrElse(options.perAddress, () => Number.POSITIVE_INFINITY)
  const table = ConnectionTable.make<Connection>({ total: options.total, perClient })
  const reports = {
    total: reporter("total", options.total, context),
    perClient: reporter("perClient", perClient, context)
  }
  const isProxy = ClientAddress.isProxy(options.trustedProxies)
  const clientOf = (peer: string): string | undefined =>
    Option.isNone(options.perAddress) || isProxy(peer) ? undefined : clientKey(peer)

  return {
    open: (socket, now) => {
      const outcome = table.add({ socket, seen: undefined }, clientOf(socket.remoteAddress ?? "unknown"), now)
      if (outcome._tag === "Refused") {
        reports[outcome.bound].refused()
        socket.resetAndDestroy()
        return undefined
      }
      if (outcome._tag === "Replaced") {
        reports[outcome.bound].closed()
        outcome.closed.socket.destroy()
      }
      return outcome.entry
    },
    busy: table.busy,
    idle: table.idle,
    remove: table.remove,
    closeIdle: (now) => {
      for (const { idleSince, value } of table.idleUntil(now - IdleTime.relevant(options.idle))) {
        if (idleSince === undefined) continue
        const { bytesRead } = value.socket
        const seen = IdleTime.check(value.seen, { idleSince, bytesRead }, options.idle, now)
        if (seen === "over") value.socket.destroy()
        else value.seen = seen
      }
    },
    warnings: (now) => [...reports.perClient.warning(now), ...reports.total.warning(now)]
  }
}

/** Logs what `warnings` gives. */
export const report = ({ warnings }: ConnectionLimits, now: number): Effect.Effect<void> =>
  Effect.forEach(warnings(now), (warning) => Effect.logWarning(warning), { discard: true })
