import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { SessionId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Calendar from "../../../src/platform/text/Calendar.ts"
import * as ConsoleSession from "../../../src/sites/access/ConsoleSession.ts"
import { id } from "../../support/Ids.ts"

const { limits } = ConsoleSession

const sessionOf = (times: Partial<ConsoleSession.ConsoleSession> = {}): ConsoleSession.ConsoleSession => ({
  session_id: id(SessionId, "s"),
  person: null,
  roles: [{ role: "viewer", sites: "all" }],
  email: null,
  device: null,
  label: null,
  created_at: Calendar.iso(0),
  opened_at: null,
  last_used_at: null,
  ends_at: Calendar.iso(1000),
  created_by: null,
  ...times
})

const Time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 * limits.idle }))

describe("sites/access/ConsoleSession", () => {
  it.prop(
    "a session is valid until it has been idle for too long, whenever it was opened",
    [Time, Time, Time],
    ([openedAt, later, now]) => {
      const session = sessionOf(ConsoleSession.timesOfUse(openedAt, openedAt + later, limits.idle))
      assert.strictEqual(ConsoleSession.isValidAt(session, now), now - (openedAt + later) < limits.idle)
    }
  )

  it("a link is valid until it expires, and a session without a website is never valid", () => {
    assert.isTrue(ConsoleSession.isValidAt(sessionOf(), 999))
    assert.isFalse(ConsoleSession.isValidAt(sessionOf(), 1000))
    const use = ConsoleSession.timesOfUse(5000, 5000, limits.idle)
    assert.isTrue(
      ConsoleSession.isValidAt(
        { ...sessionOf(use), roles: [{ role: "viewer", sites: [id(WebsiteConfigId, "a")] }] },
        5000
      )
    )
    assert.isFalse(ConsoleSession.isValidAt({ ...sessionOf(use), roles: [{ role: "viewer", sites: [] }] }, 5000))
  })
})
