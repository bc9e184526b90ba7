import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DemoSite from "../../src/demo/DemoSite.ts"

const Local = Schema.Literals([
  "localhost",
  "LOCALHOST",
  "127.0.0.1",
  "192.168.1.5",
  "[::1]",
  "[fe80::1]",
  "laptop",
  "laptop.local",
  "demo.localhost",
  "localhost."
])
const Foreign = Schema.Literals([
  "evil.example",
  "127.0.0.1.evil.example",
  "localhost.evil.example",
  "evil.example.",
  "192.168.1.5.nip.io",
  "",
  "a b",
  "evil.local.example"
])
const Port = Schema.Literals(["", ":80", ":8080", ":65535"])
const Site = Schema.Union([
  Schema.Undefined,
  Schema.Literals(["same-origin", "none", "same-site", "cross-site", "", "x"])
])

/** Whether a local page may send this `Sec-Fetch-Site`. */
const isPermitted = (site: string | undefined) => site === undefined || site === "same-origin" || site === "none"

describe("demo/LocalPage", () => {
  it.prop(
    "a page of a local host is local, unless Sec-Fetch-Site contradicts",
    [Local, Port, Site],
    ([name, port, site]) => {
      const host = name + port
      for (const origin of [undefined, `http://${host}`, `http://${host}`.toUpperCase()]) {
        assert.strictEqual(DemoSite.isFromNoForeignPage({ host, origin, secFetchSite: site }), isPermitted(site))
      }
    }
  )

  it.prop("a page of a foreign origin is not local", [Local, Port, Foreign, Site], ([name, port, foreign, site]) => {
    const host = name + port
    for (const origin of [`http://${foreign}`, `https://${foreign}${port}`, "null", "", `http://${name}:81`]) {
      assert.isFalse(DemoSite.isFromNoForeignPage({ host, origin, secFetchSite: site }), origin)
    }
  })

  it.prop("a public host name is not local", [Foreign, Port, Site], ([name, port, site]) => {
    const host = name + port
    for (const origin of [undefined, `http://${host}`]) {
      assert.isFalse(DemoSite.isFromNoForeignPage({ host, origin, secFetchSite: site }), host)
    }
    assert.isFalse(DemoSite.isFromNoForeignPage({ host: undefined, origin: undefined, secFetchSite: site }))
  })
})

describe("demo/DemoSite.isFromThisMachine", () => {
  it("needs a loopback peer and a loopback Host", () => {
    const route = (host: string | undefined, peer: string) => ({ headers: { host, accept: "*/*" }, peer })
    for (const host of ["127.0.0.1", "localhost:8080", "[::1]:8080"]) {
      for (const peer of ["127.0.0.1", "::1", "::ffff:127.0.0.1"]) {
        assert.isTrue(DemoSite.isFromThisMachine(route(host, peer)), `${host} ${peer}`)
      }
    }
    for (const host of [undefined, "", "192.168.1.5", "evil.example", "localhost.evil.example", "a b"]) {
      assert.isFalse(DemoSite.isFromThisMachine(route(host, "127.0.0.1")), host)
    }
    for (const peer of ["unknown", "192.168.1.5", "::ffff:192.168.1.5", "fe80::1"]) {
      assert.isFalse(DemoSite.isFromThisMachine(route("127.0.0.1", peer)), peer)
    }
  })

  it.prop(
    "needs the absence of every header that a proxy adds, whatever its value",
    [Schema.Literals(DemoSite.forwardingHeaders), Schema.String, Schema.Record(Schema.String, Schema.String)],
    ([name, value, others]) => {
      const headers = { ...others, host: "127.0.0.1:8080", [name]: value }
      assert.isFalse(DemoSite.isFromThisMachine({ headers, peer: "127.0.0.1" }))
    }
  )
})
