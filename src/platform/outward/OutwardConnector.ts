/**
 * Opens connections to hosts that owners name, if they are on the public internet (`platform/outward/AddressGuard`) or the operator
 * allows them.
 *
 * A request first looks up the name (`requireAddress`). The connection goes to an IP address that was found then and that passed
 * the guard, without another look-up. This prevents DNS rebinding: a name server cannot change its answer between the check and
 * the connection.
 *
 * @module
 */
import * as Dns from "node:dns"
import type { LookupFunction, Socket } from "node:net"
import * as Undici from "@effect/platform-node/Undici"
import { Effect, Option } from "effect"
import * as AddressGuard from "./AddressGuard.ts"
import { type OutwardNames, Refused } from "./OutwardNames.ts"

export interface Options {
  /** Hosts and ports that the operator allows, whatever their IP addresses are. */
  readonly allowed: ReadonlyArray<AddressGuard.AllowedHost>
  readonly names: OutwardNames["Service"]
  /** Looks up the names of allowed hosts, by default with the system's resolver, which knows the operator's own names. */
  readonly lookup?: typeof Dns.lookup | undefined
  /** Called with each connection that opens. */
  readonly onOpen?: ((socket: Socket) => void) | undefined
}

/** The time limit for opening a connection, in milliseconds. */
const timeout = 5_000

/**
 * Looks up the name of a URL that a website's owner set, before a request. Fails if the guard refuses the URL.
 */
export const requireAddress = (
  { allowed, names }: Pick<Options, "allowed" | "names">,
  websiteConfigId: string,
  url: URL
): Effect.Effect<void, Refused> => {
  const target = AddressGuard.targetOf(url)
  const refusal = AddressGuard.refusalOf(allowed, target)
  if (Option.isSome(refusal)) return Effect.fail(new Refused(refusal.value))
  return AddressGuard.isAllowed(allowed, target) || AddressGuard.isAddress(target.host)
    ? Effect.void
    : names.find(websiteConfigId, target.host)
}

/** A lookup that returns the public addresses that were found before the request. */
const knownLookup =
  (names: OutwardNames["Service"]): LookupFunction =>
  (host, options, callback) => {
    const addresses = names.addressesOf(host.toLowerCase())
    if (addresses === undefined) return callback(new Refused(AddressGuard.notFound(host)), "", 0)
    if (options.all === true) return callback(null, [...addresses])
    return callback(null, addresses[0].address, addresses[0].family)
  }

/** Opens connections to public addresses and to allowed hosts. */
export const make = ({
  allowed,
  lookup = Dns.lookup,
  names,
  onOpen = () => {}
}: Options): Undici.buildConnector.connector => {
  const guarded = Undici.buildConnector({ timeout, lookup: knownLookup(names) })
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
