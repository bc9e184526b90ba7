import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as ConsoleSession from "../../../src/sites/access/ConsoleSession.ts"
import * as Role from "../../../src/sites/access/Role.ts"
import { id } from "../../support/Ids.ts"

const { limits } = ConsoleSession

const sessionOf = (use: ConsoleSession.Use | null): ConsoleSession.ConsoleSession => ({
  sessionId: "s",
  role: "viewer",
  sites: "all",
  label: null,
  createdAt: 0,
  createdBy: null,
  linkExpiresAt: 1000,
  use
})

const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 * limits.absolute }))

describe("sites/access/ConsoleSession", () => {
  it.prop(
    "a session is valid until it has been idle for too long or is too old",
    [Time, Time, Time],
    ([openedAt, later, now]) => {
      const session = sessionOf({ openedAt, lastUsedAt: openedAt + later })
      assert.strictEqual(
        ConsoleSession.isValidAt(session, now),
        now - openedAt < limits.absolute && now - (openedAt + later) < limits.idle
      )
    }
  )

  it("a link is valid until it expires, and a session without a website is never valid", () => {
    assert.isTrue(ConsoleSession.isValidAt(sessionOf(null), 999))
    assert.isFalse(ConsoleSession.isValidAt(sessionOf(null), 1000))
    const use = { openedAt: 5000, lastUsedAt: 5000 }
    assert.isTrue(ConsoleSession.isValidAt({ ...sessionOf(use), sites: [id(WebsiteConfigId, "a")] }, 5000))
    assert.isFalse(ConsoleSession.isValidAt({ ...sessionOf(use), sites: [] }, 5000))
  })

  it("a viewer reads, and an owner also changes", () => {
    assert.deepStrictEqual(ConsoleSession.accessOf(sessionOf(null)), { grants: Role.grants.viewer, sites: "all" })
    assert.deepStrictEqual(
      ConsoleSession.accessOf({ ...sessionOf(null), role: "owner", sites: [id(WebsiteConfigId, "a")] }),
      {
        grants: Role.grants.owner,
        sites: [id(WebsiteConfigId, "a")]
      }
    )
  })
})
