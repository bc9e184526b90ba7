/**
 * Opens connections to hosts that owners name, if they are on the public internet (`core/delivery/AddressGuard`) or the operator
 * allows them.
 *
 * The connector looks up a host name when a connection opens, and connects to an IP address that passed the guard. This
 * prevents DNS rebinding: a name server cannot change its answer between the check and the connection.
 *
 * @module
 */
import * as Dns from "node:dns"
import type { LookupFunction, Socket } from "node:net"
import * as Undici from "@effect/platform-node/Undici"
import { Option } from "effect"
import * as AddressGuard from "../core/delivery/AddressGuard.ts"

export interface Options {
  /** Hosts and ports that the operator allows, whatever their IP addresses are. */
  readonly allowed: ReadonlyArray<AddressGuard.AllowedHost>
  /** Looks up a name, by default with the system's resolver. */
  readonly lookup?: typeof Dns.lookup | undefined
  /** Called with each connection that opens. */
  readonly onOpen?: ((socket: Socket) => void) | undefined
}

/** The error of a connection that the guard refuses. Its message may be shown to the owner. */
export class Refused extends Error {
  readonly code = "ENOTPUBLIC"
}

/** The time limit for opening a connection, in milliseconds. */
const timeout = 5_000

/** A lookup that returns public addresses only. */
const guardedLookup =
  (lookup: typeof Dns.lookup): LookupFunction =>
  (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, "", 0)
      const [first, ...others] = addresses.filter(({ address }) => AddressGuard.isPublicText(address))
      if (first === undefined) return callback(new Refused(AddressGuard.noPublicAddress(host)), "", 0)
      if (options.all === true) return callback(null, [first, ...others])
      return callback(null, first.address, first.family)
    })

/** Opens connections to public addresses and to allowed hosts. */
export const make = ({ allowed, lookup = Dns.lookup, onOpen = () => {} }: Options): Undici.buildConnector.connector => {
  const guarded = Undici.buildConnector({ timeout, lookup: guardedLookup(lookup) })
  const unguarded = Undici.buildConnector({ timeout, lookup: lookup as LookupFunction })
  return (options, callback) => {
    const url = URL.parse(`${options.protocol}//${options.host ?? options.hostname}`)
    if (url === null) return callback(new Refused("the address is not valid"), null)
    const target = AddressGuard.targetOf(url)
    const refusal = AddressGuard.refusalOf(allowed, target)
    if (Option.isSome(refusal)) return callback(new Refused(refusal.value), null)
    return (AddressGuard.isAllowed(allowed, target) ? unguarded : guarded)(options, (...[error, socket]) => {
      if (error !== null) return callback(error, null)
      onOpen(socket)
      callback(null, socket)
    })
  }
}
