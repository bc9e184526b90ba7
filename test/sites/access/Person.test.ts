import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { permits } from "../../../src/sites/access/Access.ts"
import * as Person from "../../../src/sites/access/Person.ts"
import * as Role from "../../../src/sites/access/Role.ts"
import * as Capability from "../../../src/sites/Capability.ts"
import { id } from "../../support/Ids.ts"

const Id = Schema.Literals(["a", "b", "c"].map((name) => id(WebsiteConfigId, name)))
const Roles = Schema.Literals(Role.roles)

describe("sites/access/Person", () => {
  it.prop(
    "a person may do with a website what the role for it, or the role for all, permits",
    [
      Schema.Array(Schema.Struct({ site: Schema.NullOr(Id), role: Roles })),
      Schema.Literals(Capability.capabilities),
      Schema.Literals(Capability.modes),
      Id
    ],
    ([siteRoles, capability, mode, site]) => {
      const access = Person.accessOf(Person.grouped(siteRoles))
      assert.strictEqual(
        permits(access, capability, mode, site),
        siteRoles.some(
          (one) =>
            (one.site === null || one.site === site) && Capability.permits(Role.grants[one.role], capability, mode)
        )
      )
    }
  )

  it("each role includes the one before, and a member changes nothing but the inbox", () => {
    assert.isTrue(Capability.covers(Role.grants.member, Role.grants.viewer))
    assert.isTrue(Capability.covers(Role.grants.owner, Role.grants.member))
    assert.deepStrictEqual(
      Capability.capabilities.filter((one) => Capability.permits(Role.grants.member, one, "change")),
      ["inbox"]
    )
    for (const capability of Capability.capabilities) {
      assert.isFalse(Capability.permits(Role.grants.viewer, capability, "change"))
    }
  })
})
