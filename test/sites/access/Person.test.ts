import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Access from "../../../src/sites/access/Access.ts"
import { permits } from "../../../src/sites/access/Access.ts"
import * as Person from "../../../src/sites/access/Person.ts"
import { id } from "../../support/Ids.ts"

const Id = Schema.Literals(["a", "b", "c"].map((name) => id(WebsiteConfigId, name)))
const Roles = Schema.Literals(Access.roles)

describe("sites/access/Person", () => {
  it.prop(
    "a person may do with a website what the role for it, or the role for all, permits",
    [
      Schema.Array(Schema.Struct({ site: Schema.NullOr(Id), role: Roles })),
      Schema.Literals(Access.capabilities),
      Schema.Literals(Access.modes),
      Id
    ],
    ([siteRoles, capability, mode, site]) => {
      const access = Person.accessOf(Person.grouped(siteRoles))
      assert.strictEqual(
        permits(access, capability, mode, site),
        siteRoles.some(
          (one) =>
            (one.site === null || one.site === site) && Access.isGranted(Access.roleGrants[one.role], capability, mode)
        )
      )
    }
  )

  it("each role includes the one before, and a member changes nothing but the inbox", () => {
    assert.isTrue(Access.covers(Access.roleGrants.member, Access.roleGrants.viewer))
    assert.isTrue(Access.covers(Access.roleGrants.owner, Access.roleGrants.member))
    assert.deepStrictEqual(
      Access.capabilities.filter((one) => Access.isGranted(Access.roleGrants.member, one, "change")),
      ["inbox"]
    )
    for (const capability of Access.capabilities) {
      assert.isFalse(Access.isGranted(Access.roleGrants.viewer, capability, "change"))
    }
  })
})
