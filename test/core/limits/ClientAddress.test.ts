/**
 * No client can choose its own address. The service takes the address from `HttpMiddleware.xForwardedHeaders`, or on the
 * fast path from `core/limits/ClientAddress`, and counts a client by its `clientKey`. The tests run all of them on arbitrary
 * headers.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { Headers, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import { IpNetwork } from "effect/net"
import * as ClientAddress from "../../../src/core/limits/ClientAddress.ts"
import { clientKey } from "../../../src/core/limits/ClientKey.ts"

const trustedProxies = ["10.0.0.0/8", "fd00::/8"].map((network) => IpNetwork.fromStringUnsafe(network))
const trusted = HttpMiddleware.xForwardedHeaders({ trustedProxies })

/** The client address that handlers see for a request from `peer` with this `X-Forwarded-For`. */
const seen = (peer: string, forwarded: string | undefined): Effect.Effect<{ address: string; key: string }> => {
  let address = ""
  const app = HttpServerRequest.HttpServerRequest.use((request) =>
    Effect.sync(() => {
      address = Option.getOrElse(request.remoteAddress, () => "")
      return HttpServerResponse.empty()
    })
  )
  const request = HttpServerRequest.fromWeb(new Request("http://edge.test/"))
  const from = request.modify({
    remoteAddress: Option.some(peer),
    peerAddress: Option.some(peer),
    headers: forwarded === undefined ? request.headers : Headers.set(request.headers, "x-forwarded-for", forwarded)
  })
  return trusted(app).pipe(
    Effect.provideService(HttpServerRequest.HttpServerRequest, from),
    Effect.map(() => ({ address, key: clientKey(address) }))
  )
}

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** An address outside of the trusted networks. */
const Stranger = Schema.Union([
  Schema.Tuple([integer(11, 223), integer(0, 255), integer(0, 255), integer(1, 254)]),
  Schema.Tuple([
    integer(0x2001, 0x3fff),
    integer(1, 0xffff),
    integer(1, 0xffff),
    integer(1, 0xffff),
    integer(1, 0xffff),
    integer(1, 0xffff),
    integer(1, 0xffff),
    integer(1, 0xffff)
  ])
])
const spell = (parts: ReadonlyArray<number>) =>
  parts.length === 4 ? parts.join(".") : parts.map((part) => part.toString(16)).join(":")

/** The field as a client may send it: garbage, addresses, spoofed proxies. */
const Claim = Schema.Union([
  Schema.String,
  Schema.Array(
    Schema.Union([
      Schema.String,
      Schema.Literals([
        "203.0.113.9",
        "10.1.2.3",
        "[2001:db8::1]:443",
        "fd00::7",
        "unknown",
        "_hidden",
        "",
        "::ffff:10.0.0.9"
      ])
    ])
  )
])
const claimed = (claim: string | ReadonlyArray<string>) => (typeof claim === "string" ? claim : claim.join(", "))

const Proxies = Schema.Array(
  Schema.Literals(["10.0.0.1", "10.255.0.7", "fd00::1", "[fd00::2]", "10.0.0.3:8080", "::ffff:10.0.0.4"])
).check(Schema.isMaxLength(4))

describe("no client can choose its own address", () => {
  it.effect.prop("without a trusted proxy the address is the peer", [Stranger, Claim], ([peer, claim]) =>
    Effect.gen(function* () {
      const address = spell(peer)
      assert.deepStrictEqual(yield* seen(address, claimed(claim)), yield* seen(address, undefined))
      assert.strictEqual((yield* seen(address, claimed(claim))).address, address)
    })
  )

  it.effect.prop(
    "behind trusted proxies the address is the rightmost that is not trusted, whatever the client sent",
    [Stranger, Claim, Proxies],
    ([client, claim, proxies]) =>
      Effect.gen(function* () {
        const address = spell(client)
        const { key } = yield* seen("10.0.0.2", [claimed(claim), address, ...proxies].join(", "))
        assert.strictEqual(key, clientKey(address))
      })
  )

  it.effect.prop(
    "garbage in place of a proxy's entry is never a key: the client counts as the proxy",
    [Schema.String, Claim, Proxies],
    ([garbage, claim, proxies]) =>
      Effect.gen(function* () {
        const hop = `x${garbage.replaceAll(",", "")}`
        assert.strictEqual((yield* seen("10.0.0.2", [claimed(claim), hop, ...proxies].join(","))).address, "10.0.0.2")
      })
  )

  it.effect.prop("whatever is sent, the key is an address and never the client's text", [Claim], ([claim]) =>
    Effect.gen(function* () {
      const { key } = yield* seen("10.0.0.2", claimed(claim))
      assert.match(key, /^(\d{1,3}(\.\d{1,3}){3}|([0-9a-f]{1,4}:){4}:\/64)$/)
    })
  )

  const Peer = Schema.Literals([
    "10.0.0.2",
    "::ffff:10.0.0.2",
    "fd00::9",
    "192.0.2.1",
    "::ffff:192.0.2.1",
    "2001:db8::5",
    "unknown"
  ])
  /** Entries of the field: addresses, near misses and other texts. */
  const Word = Schema.Union([
    Stranger,
    Schema.Tuple([integer(0, 300), integer(0, 300), integer(0, 300), integer(0, 300)]),
    Schema.Literals([
      "01.2.3.4",
      " 203.0.113.9",
      "203.0.113.9 ",
      "203.0.113.9:80",
      "[::1]",
      "::ffff:1.2.3.4",
      "10.0.0.5"
    ])
  ])
  const address = ClientAddress.make(trustedProxies)

  it.effect.prop("the fast path gives the same result", [Peer, Claim, Word, Proxies], ([peer, claim, word, proxies]) =>
    Effect.gen(function* () {
      const spelled = typeof word === "string" ? word : spell(word)
      for (const field of [undefined, claimed(claim), spelled, [claimed(claim), spelled, ...proxies].join(", ")]) {
        assert.strictEqual(address(peer, field), (yield* seen(peer, field)).address)
      }
    })
  )
})
