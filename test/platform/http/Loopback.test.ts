import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isLoopback } from "../../../src/platform/http/Host.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))

describe("platform/http/Host", () => {
  it("localhost and the IPv6 loopback address are this machine, however they are written", () => {
    for (const host of ["localhost", "LOCALHOST", "::1", "[::1]", "0:0:0:0:0:0:0:1"])
      assert.isTrue(isLoopback(host), host)
    for (const host of [
      "",
      "laptop",
      "localhost.example",
      "127.example",
      "::",
      "[::]",
      "[fe80::1]",
      "[::2]",
      "127.0.0"
    ]) {
      assert.isFalse(isLoopback(host), host)
    }
  })

  it.prop(
    "an IPv4 address, also when mapped to IPv6, is this machine only if it begins with 127",
    [Byte, Byte],
    ([first, last]) => {
      const address = `${first}.0.2.${last}`
      for (const host of [address, `::ffff:${address}`, `[::ffff:${address}]`]) {
        assert.strictEqual(isLoopback(host), first === 127, host)
      }
      assert.isTrue(isLoopback(`127.${first}.0.${last}`))
    }
  )
})
