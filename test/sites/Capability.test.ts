import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Scope from "../../src/sites/access/Scope.ts"
import * as Capability from "../../src/sites/Capability.ts"

const AnyCapability = Schema.Literals(Capability.capabilities)
const AnyMode = Schema.Literals(Capability.modes)
const AnyScope = Schema.Literals(Scope.scopes)

const AnyGrants = Schema.Struct({
  stats: Schema.optionalKey(AnyMode),
  inbox: Schema.optionalKey(AnyMode),
  settings: Schema.optionalKey(AnyMode),
  admin: Schema.optionalKey(AnyMode)
})

/** What grants permit, one by one. */
const rightsOf = (grants: Capability.Grants): ReadonlyArray<Capability.Right> =>
  Capability.capabilities.flatMap((capability) =>
    Capability.modes.flatMap((mode) =>
      Capability.permits(grants, capability, mode) ? [`${capability}:${mode}` as const] : []
    )
  )

describe("sites/Capability", () => {
  it.prop(
    "grants permit what they name, and who may change something may also read it",
    [AnyGrants, AnyCapability],
    ([grants, capability]) => {
      const granted = grants[capability]
      assert.strictEqual(Capability.permits(grants, capability, "change"), granted === "change")
      assert.strictEqual(Capability.permits(grants, capability, "read"), granted !== undefined)
    }
  )

  it.prop(
    "grants cover others if and only if they permit every right of them",
    [AnyGrants, AnyGrants],
    ([one, other]) => {
      const rights = new Set(rightsOf(one))
      assert.strictEqual(
        Capability.covers(one, other),
        rightsOf(other).every((right) => rights.has(right))
      )
      assert.isTrue(Capability.covers(one, one))
      assert.isTrue(Capability.covers(one, {}))
    }
  )
})

describe("sites/access/Scope", () => {
  it("keys of each scope may do what they could before there were capabilities", () => {
    assert.deepStrictEqual(
      Scope.scopes.map((scope) => [scope, rightsOf(Scope.grants[scope])]),
      [
        ["stats", ["stats:read"]],
        ["read", ["stats:read", "inbox:read", "settings:read"]],
        [
          "write",
          [
            "stats:read",
            "stats:change",
            "inbox:read",
            "inbox:change",
            "settings:read",
            "settings:change",
            "admin:read",
            "admin:change"
          ]
        ]
      ]
    )
  })

  it.prop("a scope includes itself and those before it", [AnyScope, AnyScope], ([granted, required]) => {
    const expected = Scope.scopes.indexOf(granted) >= Scope.scopes.indexOf(required)
    assert.strictEqual(Scope.includes(granted, required), expected)
  })

  it.prop(
    "the scope that a right requires permits it, and no smaller one does",
    [AnyCapability, AnyMode, AnyScope],
    ([capability, mode, scope]) => {
      const required = Scope.requiredFor(capability, mode)
      assert.strictEqual(Capability.permits(Scope.grants[scope], capability, mode), Scope.includes(scope, required))
    }
  )
})
