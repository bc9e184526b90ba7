import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { clientKey, networkKey } from "../../../src/platform/limits/ClientAddress.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Group = integer(0, 0xffff)
const Groups = Schema.Array(Group).check(Schema.isMinLength(8), Schema.isMaxLength(8))
const Octet = integer(0, 255)
const Octets = Schema.Array(Octet).check(Schema.isMinLength(4), Schema.isMaxLength(4))

const hex = (groups: ReadonlyArray<number>) => groups.map((group) => group.toString(16)).join(":")

/** An address in the global range, which is not an IPv4-mapped address. */
const global = (groups: ReadonlyArray<number>) => [0x2000 | (groups[0]! & 0x1fff), ...groups.slice(1)]

describe("platform/limits/ClientAddress: the key of a client", () => {
  it.prop("the key is the same for all addresses of a /64", [Groups, Groups], ([groups, other]) => {
    const network = global(groups).slice(0, 4)
    assert.strictEqual(
      clientKey(hex([...network, ...groups.slice(4)])),
      clientKey(hex([...network, ...other.slice(4)]))
    )
  })

  it.prop("the key differs between two /64", [Groups, Groups], ([one, other]) => {
    const [left, right] = [global(one), global(other)]
    const same = hex(left.slice(0, 4)) === hex(right.slice(0, 4))
    assert.strictEqual(clientKey(hex(left)) === clientKey(hex(right)), same)
  })

  it.prop("the key does not depend on the notation of an IPv6 address", [Groups], ([groups]) => {
    const address = global(groups)
    const spelled = address.map((group) => group.toString(16).toUpperCase().padStart(4, "0")).join(":")
    assert.strictEqual(clientKey(spelled), clientKey(hex(address)))
  })

  it.prop(
    "the network of a key is the same for all addresses of a /48, and differs between two /48",
    [Groups, Groups],
    ([one, other]) => {
      const [left, right] = [global(one), global(other)]
      const key = networkKey(clientKey(hex(left)))
      assert.strictEqual(key, `${hex(left.slice(0, 3))}::/48`)
      assert.strictEqual(networkKey(clientKey(hex([...left.slice(0, 3), ...right.slice(3)]))), key)
      assert.strictEqual(networkKey(clientKey(hex(right))) === key, hex(left.slice(0, 3)) === hex(right.slice(0, 3)))
      assert.strictEqual(networkKey(`shared ${clientKey(hex(left))}`), `shared ${key}`)
    }
  )

  it.prop("an IPv4 address has no network", [Octets], ([octets]) => {
    assert.isUndefined(networkKey(clientKey(octets.join("."))))
    assert.isUndefined(networkKey(clientKey(`::ffff:${octets.join(".")}`)))
  })

  it.prop("the key of an IPv4 address is the address, also if it is mapped to IPv6", [Octets], ([octets]) => {
    const address = octets.join(".")
    assert.strictEqual(clientKey(address), address)
    assert.strictEqual(clientKey(`::ffff:${address}`), address)
    const [a, b, c, d] = octets
    assert.strictEqual(clientKey(`::ffff:${hex([a! * 256 + b!, c! * 256 + d!])}`), address)
  })

  it.prop("a text without a colon is its own key, and no text throws", [Schema.String], ([text]) => {
    const key = clientKey(text)
    assert.isTrue(key === text || text.includes(":"))
  })
})
