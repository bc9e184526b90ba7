import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as AddressGuard from "../../../src/core/delivery/AddressGuard.ts"
import * as OperatorsWebhook from "../../../src/core/delivery/OperatorsWebhook.ts"

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))
const Host = Schema.Literals(["hooks.example.com", "hooks.internal", "10.0.0.4", "93.184.216.34", "[::1]"])

describe("core/delivery/OperatorsWebhook", () => {
  it.prop(
    "a webhook belongs to the operator if the operator allows its host and port, or if the guard refuses them",
    [Schema.Array(Schema.Struct({ host: Host, port: Port })), Host, Port],
    ([allowed, host, port]) => {
      const url = `http://${host}:${port}/secret`
      const target = AddressGuard.targetOf(new URL(url))
      const hosts = allowed.map(({ host, port }) => AddressGuard.targetOf(new URL(`http://${host}:${port}`)))
      assert.strictEqual(
        OperatorsWebhook.isOperators(hosts, { url }),
        AddressGuard.isAllowed(hosts, target) || Option.isSome(AddressGuard.refusalOf([], target))
      )
    }
  )
})
