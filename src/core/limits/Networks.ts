/**
 * Lists of networks, such as `10.0.0.0/8, ::1`. Pure.
 *
 * @module
 */
import { Result } from "effect"
import { IpInterface, IpNetwork } from "effect/net"

const quoted = (text: string): string => `"${text.slice(0, 80)}"`

/** A network, or an address alone. One with bits beyond its prefix may be a mistake in either, so it is refused. */
const network = (part: string): Result.Result<IpNetwork.IpNetwork, string> => {
  const text = part.includes("/") ? part : `${part}/${part.includes(":") ? 128 : 32}`
  return Result.mapError(IpNetwork.fromString(text), () =>
    Result.match(IpInterface.fromString(text), {
      onFailure: () =>
        `holds ${quoted(part)}, which is no network; it must be networks such as "10.0.0.0/8, 2001:db8::/32".`,
      onSuccess: (inside) =>
        `holds ${quoted(part)}, whose address has bits beyond /${inside.prefixLength}; did you mean ${IpNetwork.format(IpNetwork.fromInterface(inside))}?`
    })
  )
}

/** The networks of a list, or what is wrong with the first that is none, in words that follow the setting's name. */
export const parse = (text: string): Result.Result<ReadonlyArray<IpNetwork.IpNetwork>, string> =>
  Result.all(
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "")
      .map(network)
  )
