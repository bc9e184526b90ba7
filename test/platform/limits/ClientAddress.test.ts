/**
 * No client can choose its own address. The service takes the address from `HttpMiddleware.xForwardedHeaders`, or on the
 * fast path from `platform/limits/ClientAddress`, and counts a client by its `clientKey`. The tests run all three functions on
 * arbitrary headers.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import { Headers, HttpMiddleware, HttpServerRequest, HttpServerResponse } from "effect/http"
import { IpNetwork } from "effect/net"
import * as ClientAddress from "../../../src/platform/limits/ClientAddress.ts"
import { clientKey } from "../../../src/platform/limits/ClientAddress.ts"

const trustedProxies = ["10.0.0.0/8", "fd00::/8"].map((network) => IpNetwork.fromStringUnsafe(network))
const withTrustedProxies = HttpMiddleware.xForwardedHeaders({ trustedProxies })

/** The address that handlers get for a request from `peer` with this `X-Forwarded-For`, and its key. */
const clientOf = (peer: string, forwarded: string | undefined): Effect.Effect<{ address: string; key: string }> => {
  let address = ""
  const app = HttpServerRequest.HttpServerRequest.use((request) =>
    Effect.sync(() => {
      address = Option.getOrElse(request.remoteAddress, () => "")
      return HttpServerResponse.empty()
    })
  )
  const request = HttpServerRequest.fromWeb(new Request("http://edge.test/"))
  const forwardedRequest = request.modify({
    remoteAddress: Option.some(peer),
    peerAddress: Option.some(peer),
    headers: forwarded === undefined ? request.headers : Headers.set(request.headers, "x-forwarded-for", forwarded)
  })
  return withTrustedProxies(app).pipe(
    Effect.provideService(HttpServerRequest.HttpServerRequest, forwardedRequest),
    Effect.map(() => ({ address, key: clientKey(address) }))
  )
}

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** An address outside of the trusted networks. */
const UntrustedAddress = Schema.Union([
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

/** `X-Forwarded-For` as a client may send it: other texts, addresses and forged proxies. */
const Field = Schema.Union([
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
const headerOf = (field: string | ReadonlyArray<string>) => (typeof field === "string" ? field : field.join(", "))

const Proxies = Schema.Array(
  Schema.Literals(["10.0.0.1", "10.255.0.7", "fd00::1", "[fd00::2]", "10.0.0.3:8080", "::ffff:10.0.0.4"])
).check(Schema.isMaxLength(4))

describe("no client can choose its own address", () => {
  it.effect.prop("without a trusted proxy the address is the peer", [UntrustedAddress, Field], ([peer, field]) =>
    Effect.gen(function* () {
      const address = spell(peer)
      assert.deepStrictEqual(yield* clientOf(address, headerOf(field)), yield* clientOf(address, undefined))
      assert.strictEqual((yield* clientOf(address, headerOf(field))).address, address)
    })
  )

  it.effect.prop(
    "behind trusted proxies the address is the rightmost entry that is not trusted, whatever the client sent",
    [UntrustedAddress, Field, Proxies],
    ([client, field, proxies]) =>
      Effect.gen(function* () {
        const address = spell(client)
        const { key } = yield* clientOf("10.0.0.2", [headerOf(field), address, ...proxies].join(", "))
        assert.strictEqual(key, clientKey(address))
      })
  )

  it.effect.prop(
    "if an entry that a trusted proxy added is not an address, the client's address is that of the proxy that connected",
    [Schema.String, Field, Proxies],
    ([garbage, field, proxies]) =>
      Effect.gen(function* () {
        const hop = `x${garbage.replaceAll(",", "")}`
        assert.strictEqual(
          (yield* clientOf("10.0.0.2", [headerOf(field), hop, ...proxies].join(","))).address,
          "10.0.0.2"
        )
      })
  )

  it.effect.prop("whatever is sent, the key is an address and never the client's text", [Field], ([field]) =>
    Effect.gen(function* () {
      const { key } = yield* clientOf("10.0.0.2", headerOf(field))
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
  const Entry = Schema.Union([
    UntrustedAddress,
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

  it.effect.prop(
    "the fast path gives the same result",
    [Peer, Field, Entry, Proxies],
    ([peer, field, entry, proxies]) =>
      Effect.gen(function* () {
        const spelled = typeof entry === "string" ? entry : spell(entry)
        for (const header of [undefined, headerOf(field), spelled, [headerOf(field), spelled, ...proxies].join(", ")]) {
          assert.strictEqual(address(peer, header), (yield* clientOf(peer, header)).address)
        }
      })
  )
})
