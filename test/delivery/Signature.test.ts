import { randomBytes } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { Webhook as StandardWebhook } from "standardwebhooks"
import { Webhook as SvixWebhook } from "svix"
import * as WebhookSender from "../../src/delivery/WebhookSender.ts"
import * as Sealing from "../../src/platform/secrets/Sealing.ts"
import * as TestTime from "../support/TestTime.ts"

const newSecret = () => WebhookSender.formatSecret(randomBytes(WebhookSender.secretBytes))

describe("delivery/WebhookSender: signatures", () => {
  it.prop(
    "the libraries of Standard Webhooks and Svix verify the signature of each secret",
    [Schema.Json],
    ([value]) => {
      const body = JSON.stringify(value)
      const [secret, previous, other] = [newSecret(), newSecret(), newSecret()]
      const headers = WebhookSender.signatureHeaders({ id: "msg", sentAt: TestTime.ofMachine(), body }, [
        secret,
        previous
      ])
      for (const library of [StandardWebhook, SvixWebhook]) {
        for (const valid of [secret, previous]) assert.doesNotThrow(() => new library(valid).verify(body, headers))
        assert.throws(() => new library(other).verify(body, headers))
        assert.throws(() => new library(secret).verify(`${body} `, headers))
        assert.throws(() => new library(secret).verify(body, { ...headers, "webhook-id": "other" }))
      }
    }
  )
})

describe("platform/secrets/Sealing", () => {
  it.prop("a sealed text can be opened only unchanged, with the same key and context", [Schema.String], ([text]) => {
    const secret = text.toWellFormed()
    const [key, nonce] = [randomBytes(Sealing.keyBytes), randomBytes(Sealing.nonceBytes)]
    const sealed = Sealing.seal(key, nonce, "a", secret)
    assert.deepStrictEqual(Sealing.open(key, "a", sealed), Option.some(secret))
    assert.deepStrictEqual(Sealing.open(key, "b", sealed), Option.none())
    assert.deepStrictEqual(Sealing.open(randomBytes(Sealing.keyBytes), "a", sealed), Option.none())
    for (const at of [0, 1, 13, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      assert.deepStrictEqual(Sealing.open(key, "a", changed), Option.none(), `byte ${at}`)
    }
    assert.deepStrictEqual(Sealing.open(key, "a", sealed.subarray(0, 20)), Option.none())
  })

  it("a key is 32 bytes in hexadecimal or base64", () => {
    const bytes = randomBytes(32)
    for (const encoding of ["hex", "base64", "base64url"] as const) {
      assert.deepStrictEqual(Sealing.parseKey(bytes.toString(encoding)), Option.some(new Uint8Array(bytes)))
    }
    for (const wrong of ["", "secret", bytes.toString("hex").slice(1), randomBytes(31).toString("base64")]) {
      assert.deepStrictEqual(Sealing.parseKey(wrong), Option.none())
    }
  })
})
