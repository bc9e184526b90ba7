import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Webhook from "../../src/delivery/Webhook.ts"
import { hostOf } from "../../src/delivery/Webhook.ts"
import * as AddressGuard from "../../src/platform/outward/AddressGuard.ts"

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))
const Host = Schema.Literals(["hooks.example.com", "hooks.internal", "10.0.0.4", "93.184.216.34", "[::1]"])

describe("delivery/OperatorsWebhook", () => {
  it.prop(
    "a webhook belongs to the operator if the operator allows its host and port, or if the guard refuses them",
    [Schema.Array(Schema.Struct({ host: Host, port: Port })), Host, Port],
    ([allowed, host, port]) => {
      const url = `http://${host}:${port}/secret`
      const target = AddressGuard.targetOf(new URL(url))
      const hosts = allowed.map(({ host, port }) => AddressGuard.targetOf(new URL(`http://${host}:${port}`)))
      assert.strictEqual(
        Webhook.isOperators(hosts, { url }),
        AddressGuard.isAllowed(hosts, target) || Option.isSome(AddressGuard.refusalOf([], target))
      )
    }
  )

  it.prop(
    "the host of every URL of the operator is known as such without the rest of the URL",
    [Schema.Array(Schema.Struct({ host: Host, port: Port })), Host, Port, Schema.Literals(["http", "https"])],
    ([allowed, host, port, scheme]) => {
      const hosts = allowed.map(({ host, port }) => AddressGuard.targetOf(new URL(`http://${host}:${port}`)))
      const url = `${scheme}://${host}:${port}/secret`
      if (Webhook.isOperators(hosts, { url })) {
        assert.isTrue(Webhook.isOperatorsHost(hosts, hostOf(url)))
      }
    }
  )

  it("the default port of an allowed host is known as the operator's", () => {
    const allowed = [{ host: "hooks.example.com", port: 80 }]
    assert.isTrue(Webhook.isOperatorsHost(allowed, hostOf("http://hooks.example.com:80/")))
    assert.isFalse(Webhook.isOperatorsHost(allowed, hostOf("https://other.example.com/")))
  })
})
