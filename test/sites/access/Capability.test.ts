import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Access from "../../../src/sites/access/Access.ts"

const AnyCapability = Schema.Literals(Access.capabilities)
const AnyMode = Schema.Literals(Access.modes)
const AnyScope = Schema.Literals(Access.scopes)

const AnyGrants = Schema.Struct({
  stats: Schema.optionalKey(AnyMode),
  inbox: Schema.optionalKey(AnyMode),
  settings: Schema.optionalKey(AnyMode),
  admin: Schema.optionalKey(AnyMode)
})

/** What grants permit, one by one. */
const rightsOf = (grants: Access.Grants): ReadonlyArray<Access.Right> =>
  Access.capabilities.flatMap((capability) =>
    Access.modes.flatMap((mode) =>
      Access.isGranted(grants, capability, mode) ? [`${capability}:${mode}` as const] : []
    )
  )

describe("sites/access/Access", () => {
  it.prop(
    "grants permit what they name, and who may change something may also read it",
    [AnyGrants, AnyCapability],
    ([grants, capability]) => {
      const granted = grants[capability]
      assert.strictEqual(Access.isGranted(grants, capability, "change"), granted === "change")
      assert.strictEqual(Access.isGranted(grants, capability, "read"), granted !== undefined)
    }
  )

  it.prop(
    "grants cover others if and only if they permit every right of them",
    [AnyGrants, AnyGrants],
    ([one, other]) => {
      const rights = new Set(rightsOf(one))
      assert.strictEqual(
        Access.covers(one, other),
        rightsOf(other).every((right) => rights.has(right))
      )
      assert.isTrue(Access.covers(one, one))
      assert.isTrue(Access.covers(one, {}))
    }
  )

  it("keys of each scope may do what they could before there were capabilities", () => {
    assert.deepStrictEqual(
      Access.scopes.map((scope) => [scope, rightsOf(Access.scopeGrants[scope])]),
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
    const expected = Access.scopes.indexOf(granted) >= Access.scopes.indexOf(required)
    assert.strictEqual(Access.covers(Access.scopeGrants[granted], Access.scopeGrants[required]), expected)
  })

  it.prop(
    "the scope that a right requires permits it, and no smaller one does",
    [AnyCapability, AnyMode, AnyScope],
    ([capability, mode, scope]) => {
      const required = Access.scopeFor(capability, mode)
      assert.strictEqual(
        Access.isGranted(Access.scopeGrants[scope], capability, mode),
        Access.covers(Access.scopeGrants[scope], Access.scopeGrants[required])
      )
    }
  )
})
