import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import { HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Access from "../../../src/sites/access/Access.ts"
import {
  type AnyAuthorizedSite,
  type AuthorizedSite,
  manages,
  permit,
  reaches,
  sitesWith
} from "../../../src/sites/access/Access.ts"
import type { Site } from "../../../src/sites/Site.ts"
import { id } from "../../support/Ids.ts"

const Id = Schema.Literals(["a", "b", "c", "d"].map((name) => id(WebsiteConfigId, name)))
const AnyMode = Schema.Literals(Access.modes)
const AnyGrants = Schema.Struct({
  stats: Schema.optionalKey(AnyMode),
  inbox: Schema.optionalKey(AnyMode),
  settings: Schema.optionalKey(AnyMode),
  admin: Schema.optionalKey(AnyMode)
})
const AnyAccess = Schema.Struct({
  grants: AnyGrants,
  sites: Schema.Union([Schema.Literal("all"), Schema.Array(Id)])
})

const siteOf = (websiteConfigId: WebsiteConfigId): Site => ({
  websiteConfigId,
  hostedWebsiteId: id(HostedWebsiteId, `hosted ${websiteConfigId}`),
  trackingToken: id(TrackingToken, `token ${websiteConfigId}`),
  name: websiteConfigId,
  origins: [],
  timeZone: "UTC",
  createdAt: 0
})

describe("sites/access/Access", () => {
  it.prop(
    "permits something for a website if and only if one access of the caller names the website and permits it",
    [Schema.Array(AnyAccess), Schema.Literals(Access.capabilities), Schema.Literals(Access.modes), Id],
    ([caller, capability, mode, id]) => {
      const proof = permit(caller, capability, mode, siteOf(id))
      const isPermitted = caller.some(
        ({ grants, sites }) => (sites === "all" || sites.includes(id)) && Access.isGranted(grants, capability, mode)
      )
      assert.strictEqual(Option.isSome(proof), isPermitted)
      const sites = sitesWith(caller, capability, mode)
      assert.strictEqual(sites === "all" || sites.includes(id), isPermitted)
    }
  )

  it("an access without websites reaches none", () => {
    const access: ReadonlyArray<Access.Access> = [{ grants: Access.scopeGrants.write, sites: [] }]
    assert.isTrue(Option.isNone(permit(access, "stats", "read", siteOf(id(WebsiteConfigId, "a")))))
  })
})

/** Type tests: `tsc` fails if a line with `@ts-expect-error` compiles, or if another line does not. Nothing here runs. */
const types = (
  stats: AuthorizedSite<"stats:read">,
  reads: AuthorizedSite<"inbox:read">,
  changes: AuthorizedSite<"inbox:change">,
  site: Site,
  access: ReadonlyArray<Access.Access>
) => {
  const needs = <R extends Access.Right>(_: AuthorizedSite<R>) => {}
  const needsAny = (_: AnyAuthorizedSite) => {}
  needs<"stats:read">(stats)
  needs<"inbox:read">(reads)
  needs<"inbox:read">(changes)
  needs<"inbox:change">(changes)
  needsAny(stats)
  needsAny(changes)
  // @ts-expect-error The right to read is not the right to change.
  needs<"inbox:change">(reads)
  // @ts-expect-error A right of one capability is none of another.
  needs<"settings:read">(changes)
  // @ts-expect-error
  needs<"stats:read">(changes)
  // @ts-expect-error A website is not a proof.
  needs<"stats:read">(site)
  // @ts-expect-error An object of the same shape is not a proof.
  needs<"stats:read">({ site })
  // @ts-expect-error
  needsAny({ site })
  // @ts-expect-error The decision may be negative.
  needs<"stats:read">(permit(access, "stats", "read", site))
}

void types

describe("sites/access/Access.Access.manages", () => {
  it.prop(
    "a caller manages no access that includes what the caller lacks, and a caller with full access manages every access",
    [Schema.Array(AnyAccess), AnyAccess],
    ([caller, access]) => {
      const isManaged = manages(caller, access)
      if (isManaged) {
        for (const id of access.sites === "all" ? Id.literals : access.sites) {
          const able = caller.filter(
            (own) => own.grants.admin === "change" && Access.covers(own.grants, access.grants) && reaches(own, id)
          )
          assert.isNotEmpty(able)
        }
      }
      assert.isTrue(manages([...caller, { grants: Access.scopeGrants.write, sites: "all" }], access))
      if (access.sites === "all" && caller.every(({ sites }) => sites !== "all")) assert.isFalse(isManaged)
    }
  )
})
