/**
 * Lists of networks, such as `10.0.0.0/8, ::1`. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { IpInterface, IpNetwork, type NetAddress } from "effect/net"

const quoted = (text: string): string => `"${text.slice(0, 80)}"`

/** A network or an address. Bits beyond the prefix are an error: either the address or the prefix may be wrong. */
const network = (part: string): Result.Result<IpNetwork.IpNetwork, string> => {
  const text = part.includes("/") ? part : `${part}/${part.includes(":") ? 128 : 32}`
  return Result.mapError(IpNetwork.fromString(text), () =>
    Result.match(IpInterface.fromString(text), {
      onFailure: () =>
        `holds ${quoted(part)}, which is not a network; it must be a list such as "10.0.0.0/8, 2001:db8::/32".`,
      onSuccess: (address) =>
        `holds ${quoted(part)}, whose address has bits beyond /${address.prefixLength}; did you mean ${IpNetwork.format(IpNetwork.fromInterface(address))}?`
    })
  )
}

/** The error continues a sentence that begins with the setting's name. */
export const parse = (text: string): Result.Result<ReadonlyArray<IpNetwork.IpNetwork>, string> =>
  Result.all(
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(network)
  )

/** Whether an IP address is in one of the networks. */
export const contain = (networks: ReadonlyArray<IpNetwork.IpNetwork>, address: NetAddress.IpAddress): boolean =>
  networks.some((network) => IpNetwork.contains(network, address))
