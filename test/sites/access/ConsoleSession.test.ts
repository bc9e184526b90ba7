import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { SessionId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Calendar from "../../../src/platform/text/Calendar.ts"
import * as ConsoleSession from "../../../src/sites/access/ConsoleSession.ts"
import * as Role from "../../../src/sites/access/Role.ts"
import { id } from "../../support/Ids.ts"

const { limits } = ConsoleSession

const sessionOf = (times: Partial<ConsoleSession.ConsoleSession> = {}): ConsoleSession.ConsoleSession => ({
  session_id: id(SessionId, "s"),
  role: "viewer",
  sites: "all",
  label: null,
  created_at: Calendar.iso(0),
  opened_at: null,
  last_used_at: null,
  ends_at: Calendar.iso(1000),
  created_by: null,
  ...times
})

const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 * limits.absolute }))

describe("sites/access/ConsoleSession", () => {
  it.prop(
    "a session is valid until it has been idle for too long or is too old",
    [Time, Time, Time],
    ([openedAt, later, now]) => {
      const session = sessionOf(ConsoleSession.timesOfUse(openedAt, openedAt + later))
      assert.strictEqual(
        ConsoleSession.isValidAt(session, now),
        now - openedAt < limits.absolute && now - (openedAt + later) < limits.idle
      )
    }
  )

  it("a link is valid until it expires, and a session without a website is never valid", () => {
    assert.isTrue(ConsoleSession.isValidAt(sessionOf(), 999))
    assert.isFalse(ConsoleSession.isValidAt(sessionOf(), 1000))
    const use = ConsoleSession.timesOfUse(5000, 5000)
    assert.isTrue(ConsoleSession.isValidAt({ ...sessionOf(use), sites: [id(WebsiteConfigId, "a")] }, 5000))
    assert.isFalse(ConsoleSession.isValidAt({ ...sessionOf(use), sites: [] }, 5000))
  })

  it("a viewer reads, and an owner also changes", () => {
    assert.deepStrictEqual(ConsoleSession.accessOf(sessionOf()), { grants: Role.grants.viewer, sites: "all" })
    assert.deepStrictEqual(
      ConsoleSession.accessOf({ ...sessionOf(), role: "owner", sites: [id(WebsiteConfigId, "a")] }),
      {
        grants: Role.grants.owner,
        sites: [id(WebsiteConfigId, "a")]
      }
    )
  })
})
