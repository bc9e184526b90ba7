import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { IpNetwork } from "effect/net"
import * as Countries from "../../../src/platform/http/Countries.ts"

const countries = (address: string) => (address === "203.0.113.7" ? "SE" : null)

const head = (peer: string, address: string, header?: string) => ({
  url: "/",
  headers: header === undefined ? {} : { "cf-ipcountry": header },
  address,
  peer,
  headBytes: 0
})

const trustedProxies = [IpNetwork.fromStringUnsafe("10.0.0.0/8")]

describe("platform/http/Countries: of a client", () => {
  it("uses the header of trusted proxies only", () => {
    const countryOf = Countries.ofClient(countries, { header: Option.some("CF-IPCountry"), trustedProxies })
    assert.strictEqual(countryOf(head("10.0.0.4", "203.0.113.7", "no")), "NO")
    assert.strictEqual(countryOf(head("203.0.113.7", "203.0.113.7", "NO")), "SE")
    assert.isNull(countryOf(head("198.51.100.1", "198.51.100.1", "NO")))
  })

  it("looks up the client's address if the proxy names no country", () => {
    const countryOf = Countries.ofClient(countries, { header: Option.some("cf-ipcountry"), trustedProxies })
    for (const unknown of [undefined, "XX", "T1", "", "Norway", "NO, SE"]) {
      assert.strictEqual(countryOf(head("10.0.0.4", "203.0.113.7", unknown)), "SE", unknown)
      assert.isNull(countryOf(head("10.0.0.4", "198.51.100.1", unknown)), unknown)
    }
  })

  it("ignores the header if no header is configured", () => {
    const countryOf = Countries.ofClient(countries, { header: Option.none(), trustedProxies })
    assert.strictEqual(countryOf(head("10.0.0.4", "203.0.113.7", "NO")), "SE")
  })
})
