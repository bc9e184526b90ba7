import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as AddressGuard from "../../../src/platform/outward/AddressGuard.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Octets = Schema.Tuple([Byte, Byte, Byte, Byte])

/** Addresses from each range that no request may reach, often its first and its last. */
const nonPublic = [
  ...["0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255"],
  ...["127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "172.16.0.0", "172.31.255.255"],
  ...["192.0.0.0", "192.0.0.255", "192.0.2.7", "192.88.99.1", "192.168.0.0", "192.168.255.255"],
  ...["198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.9", "224.0.0.0", "239.255.255.255", "240.0.0.0"],
  ...["225.1.2.3", "241.0.0.1", "254.1.1.1", "255.255.255.255"],
  ...["::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1"],
  ...["100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:c0a8:101::1", "3fff::1", "fc00::1", "fd00::1"],
  ...["fe80::1", "fec0::1", "ff02::1", "5f00::1", "4000::1"]
]

/** Public addresses, most of them next to those ranges. */
const publicAddresses = [
  ...["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
  ...["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"],
  ...["192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"],
  ...["::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1", "2001:200::1", "2606:4700:4700::1111", "2a00::1"]
]

const refusal = (url: string) => AddressGuard.refusalOf([], AddressGuard.targetOf(new URL(url)))

describe("platform/outward/AddressGuard", () => {
  it("each range outside the public internet is refused from its first to its last address", () => {
    for (const address of nonPublic) assert.isFalse(AddressGuard.isPublicText(address), address)
    for (const address of publicAddresses) assert.isTrue(AddressGuard.isPublicText(address), address)
    for (const text of ["", "localhost", "1.1.1", "fe80::1%eth0"]) assert.isFalse(AddressGuard.isPublicText(text), text)
  })

  it.prop("an IPv6 address that contains an IPv4 address is treated like the IPv4 address", [Octets], ([octets]) => {
    const [a, b, c, d] = octets
    const isPublic = AddressGuard.isPublicText(octets.join("."))
    const high = ((a << 8) | b).toString(16)
    const low = ((c << 8) | d).toString(16)
    for (const carrier of [`::ffff:${high}:${low}`, `64:ff9b::${high}:${low}`, `2002:${high}:${low}::1`]) {
      assert.strictEqual(AddressGuard.isPublicText(carrier), isPublic, carrier)
    }
  })

  it.prop("an IPv4 literal is treated alike in each notation that a URL allows", [Octets], ([octets]) => {
    const [a, b, c, d] = octets
    const number = ((a << 24) >>> 0) + (b << 16) + (c << 8) + d
    const isRefused = !AddressGuard.isPublicText(octets.join("."))
    const spellings = [
      octets.join("."),
      String(number),
      `0x${number.toString(16)}`,
      `0${number.toString(8)}`,
      octets.map((part) => `0x${part.toString(16)}`).join("."),
      octets.map((part) => `0${part.toString(8)}`).join("."),
      `${a}.${b}.${(c << 8) + d}`,
      `[::ffff:${octets.join(".")}]`
    ]
    for (const spelling of spellings) {
      assert.strictEqual(Option.isSome(refusal(`http://${spelling}/hook`)), isRefused, spelling)
    }
  })

  it("localhost and ports other than 80 and 443 are refused, unless the operator allows the host with its port", () => {
    for (const url of ["https://hooks.example:8443/", "https://LOCALHOST/", "https://a.localhost./"]) {
      assert.isTrue(Option.isSome(refusal(url)), url)
    }
    for (const url of ["http://hooks.example/", "https://hooks.example/", "http://hooks.example:443/"]) {
      assert.isTrue(Option.isNone(refusal(url)), url)
    }
    const allowed = Result.getOrThrow(AddressGuard.parseAllowed("Hooks.internal:8080, [::1]:9000, 10.0.0.4:80"))
    assert.deepStrictEqual(allowed.map(AddressGuard.hostAndPort), ["hooks.internal:8080", "[::1]:9000", "10.0.0.4:80"])
    const isRefused = (url: string) =>
      Option.isSome(AddressGuard.refusalOf(allowed, AddressGuard.targetOf(new URL(url))))
    for (const url of ["http://hooks.internal:8080/", "http://[::1]:9000/", "http://10.0.0.4/"]) {
      assert.isFalse(isRefused(url), url)
    }
    for (const url of ["http://hooks.internal:8081/", "http://[::1]/", "https://10.0.0.4/", "http://10.0.0.5/"]) {
      assert.isTrue(isRefused(url), url)
    }
    for (const wrong of ["hooks", "http://a:80", "a:b", "a:99999", "a b:80", "u@a:80"]) {
      assert.isTrue(Result.isFailure(AddressGuard.parseAllowed(wrong)), wrong)
    }
  })
})
