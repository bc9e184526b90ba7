/**
 * Limits a server's connections, in total and per address, and closes idle ones. `core/limits/ConnectionTable` and
 * `core/limits/IdleTime` decide; this module closes and resets the sockets, and counts and logs those over a limit.
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
  /** The maximum number of connections in the process. */
  readonly total: number
  /** The maximum number of connections per address; an IPv6 /64 network counts as one address. */
  readonly perAddress: Option.Option<number>
  /** Networks that are exempt from `perAddress`. */
  readonly trustedProxies: ReadonlyArray<IpNetwork.IpNetwork>
  readonly idle: IdleTime.Timeouts
}

/** An open connection. */
export interface Connection {
  readonly socket: Socket
  firstCheck: IdleTime.FirstCheck | undefined
}

export type Entry = ConnectionTable.Entry<Connection>

export interface ConnectionLimits {
  /** Adds a connection, closing an idle one if a limit is reached. Resets the new one and returns `undefined` if none is idle. */
  readonly open: (socket: Socket, now: number) => Entry | undefined
  readonly markBusy: (entry: Entry) => void
  readonly markIdle: (entry: Entry, now: number) => void
  readonly remove: (entry: Entry) => void
  /** Closes the connections that have been idle for longer than their timeout. */
  readonly closeIdle: (now: number) => void
  /** Returns the warnings to log: at most one a minute per limit. */
  readonly warnings: (now: number) => ReadonlyArray<string>
}

/** The minimum time between two warnings about one limit, in milliseconds. */
const warningInterval = 60_000

const advice = {
  total: "Raise the limit of open files (`ulimit -n`, LimitNOFILE) if they come from visitors.",
  perClient: "Raise CONNECTIONS_PER_ADDRESS if they come from visitors, or name their proxy in TRUSTED_PROXIES."
}

/** Counts the connections that one limit closed or refused, and reports the counts at most once a minute. */
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
      const what = `${bound === "total" ? "The process" : "An address"} reached its limit of ${limit} connections`
      const text = `${what}: ${closed} idle ones were closed, ${refused} new ones refused. ${advice[bound]}`
      ;[closed, refused, quietUntil] = [0, 0, now + warningInterval]
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
  const isProxy = ClientAddress.makeIsProxy(options.trustedProxies)
  const clientOf = (peer: string): string | undefined =>
    Option.isNone(options.perAddress) || isProxy(peer) ? undefined : clientKey(peer)

  return {
    open: (socket, now) => {
      const outcome = table.add({ socket, firstCheck: undefined }, clientOf(socket.remoteAddress ?? "unknown"), now)
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
    markBusy: table.markBusy,
    markIdle: table.markIdle,
    remove: table.remove,
    closeIdle: (now) => {
      for (const { idleSince, value } of table.idleUntil(now - IdleTime.checkAfter(options.idle))) {
        if (idleSince === undefined) continue
        const { bytesRead } = value.socket
        const result = IdleTime.check(value.firstCheck, { idleSince, bytesRead }, options.idle, now)
        if (result === "timed-out") value.socket.destroy()
        else value.firstCheck = result
      }
    },
    warnings: (now) => [...reports.perClient.warning(now), ...reports.total.warning(now)]
  }
}

/** Logs the warnings that are due. */
export const report = ({ warnings }: ConnectionLimits, now: number): Effect.Effect<void> =>
  Effect.forEach(warnings(now), (warning) => Effect.logWarning(warning), { discard: true })
