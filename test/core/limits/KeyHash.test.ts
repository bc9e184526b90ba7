import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { clientKey, networkKey } from "../../../src/core/limits/ClientKey.ts"
import * as KeyHash from "../../../src/core/limits/KeyHash.ts"

const wordsOf = (key: string): KeyHash.KeyHash => {
  const words: KeyHash.KeyHash = { kind: 0, high: 0, low: 0 }
  KeyHash.hashInto(key, words)
  return words
}

const Octet = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Group = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))

describe("core/limits/KeyHash", () => {
  it.prop("the hash of an IPv4 address is its number", [Octet, Octet, Octet, Octet], (octets) => {
    const [a, b, c, d] = octets
    const low = ((a * 256 + b) * 256 + c) * 256 + d
    assert.deepStrictEqual(wordsOf(clientKey(octets.join("."))), { kind: 0, high: 0, low })
  })

  it.prop(
    "the hash of an IPv6 address is the number of its /64",
    [Group, Group, Group, Group, Group],
    ([a, b, c, d, rest]) => {
      const address = [a, b, c, d, 0x8000, 1, 2, rest].map((group) => group.toString(16)).join(":")
      const expected: KeyHash.KeyHash = { kind: 1, high: a * 0x1_0000 + b, low: c * 0x1_0000 + d }
      assert.deepStrictEqual(wordsOf(clientKey(address)), expected)
    }
  )

  it.prop(
    "the hash of an IPv6 /48 is its number, and differs from that of its first /64",
    [Group, Group, Group],
    (groups) => {
      const [a, b, c] = groups
      const key = clientKey([...groups, 0, 0, 0, 0, 1].map((group) => group.toString(16)).join(":"))
      assert.deepStrictEqual(wordsOf(networkKey(key) ?? ""), { kind: 3, high: a * 0x1_0000 + b, low: c * 0x1_0000 })
      assert.strictEqual(wordsOf(key).kind, 1)
    }
  )

  it.prop("any other text is hashed to a digest, equal for equal texts", [Schema.String], ([text]) => {
    const words = wordsOf(`no address ${text}`)
    assert.strictEqual(words.kind, 2)
    assert.deepStrictEqual(wordsOf(`no address ${text}`), words)
  })

  it("similar texts have different hashes", () => {
    const alike = [
      ...[
        "1.2.3.4",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3",
        "1.2.3.4.5",
        "1..3.4",
        ".1.2.3.4",
        "1.2.3.4."
      ],
      ...["0.0.0.0", "0.0.0.00", "255.255.255.255", "255.255.255.256", "1.2.3.1111", "4294967295", "", "0"],
      ...["0:0:0:0::/64", "::/64", "0:0:0::/64", "00:0:0:0::/64", "0:0:0:0::/63", "0:0:102:304::/64", "ab:c:d:e::/64"],
      ...["ab:c:d::/48", "ab:c:d:e::/48", "ab:c:d:0::/64", "ab:c::/48", "ab:c:0d::/48"],
      ...["AB:c:d:e::/64", "ab:c:d:e::/64 ", "ab:c:d:10000::/64", "ab:c:d:e:f::/64", "\ud800", "\ud801", "\ufffd"]
    ]
    const words = new Set(alike.map((key) => JSON.stringify(wordsOf(key))))
    assert.strictEqual(words.size, alike.length)
  })
})
