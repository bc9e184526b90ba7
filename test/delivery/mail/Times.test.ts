/** When digests and reports are sent. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DateRange from "../../../src/analytics/reports/DateRange.ts"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import * as Mail from "../../../src/delivery/mail/Mail.ts"
import * as MailTimes from "../../../src/delivery/mail/MailTimes.ts"
import { hourMillis } from "../../../src/platform/text/Calendar.ts"
import { Time, TimeZone } from "../../support/Dates.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Period = Schema.Literals(["weekly", "monthly"])
const day = 86_400_000

const wallClock = (time: number, timeZone: string): string =>
  new Date(time).toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" })

describe("delivery/mail/MailTimes", () => {
  it.prop(
    "the next morning is at eight by the wall clock, at most a day and a clock change later",
    [TimeZone, Time],
    ([zone, now]) => {
      const morning = MailTimes.morningAfter(zone, now)
      assert.strictEqual(wallClock(morning, zone), "08:00")
      assert.isAbove(morning, now)
      assert.isAtMost(morning - now, day + 2 * hourMillis)
    }
  )

  it("a morning after the clocks changed is at eight too", () => {
    assert.strictEqual(MailTimes.morningOf("Europe/Berlin", "2026-03-29"), Date.UTC(2026, 2, 29, 6))
    assert.strictEqual(MailTimes.morningOf("Europe/Berlin", "2026-10-25"), Date.UTC(2026, 9, 25, 7))
  })

  it.prop(
    "periods follow each other without a gap, and the latest has ended",
    [Period, TimeZone, Time],
    ([period, timeZone, now]) => {
      const latest = MailTimes.latest(period, { now, timeZone })
      const before = MailTimes.before(period, latest)
      assert.isBelow(latest.last.localeCompare(DateRange.today({ now, timeZone })), 0)
      assert.strictEqual(LocalTime.addDays(before.last, 1), latest.first)
      const days = LocalTime.countDays(latest.first, latest.last)
      if (period === "weekly") assert.deepStrictEqual([days, LocalTime.weekOf(latest.first)], [7, latest.first])
      else assert.deepStrictEqual([latest.first.slice(8), latest.first.slice(0, 7)], ["01", latest.last.slice(0, 7)])
    }
  )

  it.prop("a report is due on the morning after its period", [Period, TimeZone, Time], ([period, timeZone, now]) => {
    const due = MailTimes.nextDue(period, { now, timeZone })
    assert.isAbove(due, now)
    assert.strictEqual(wallClock(due, timeZone), "08:00")
    const { last } = MailTimes.latest(period, { now: due, timeZone })
    assert.strictEqual(LocalTime.addDays(last, 1), DateRange.today({ now: due, timeZone }))
    // Reports are a period apart, and none is skipped.
    const following = MailTimes.nextDue(period, { now: due, timeZone })
    assert.isAtLeast(following - due, (period === "weekly" ? 7 : 28) * day - 2 * hourMillis)
    assert.isAtMost(due - now, (period === "weekly" ? 7 : 31) * day + 2 * hourMillis)
  })

  /**
   * Stores a submission after each pause, and mails the waiting ones as the plans say while time passes. Returns the mails,
   * each with the times at which its submissions were stored.
   */
  const simulate = (digest: MailTimes.Waiting["digest"], timeZone: string, pauses: ReadonlyArray<number>) => {
    let now = Date.UTC(2026, 0, 1)
    let waiting: Array<number> = []
    let nextAt: number | null = null
    const mails: Array<{ readonly at: number; readonly items: ReadonlyArray<number> }> = []
    const decide = () => {
      if (waiting.length === 0) return
      const mailedAt = mails.map(({ at }) => at).filter((at) => now - at < hourMillis)
      const [oldestAt = now] = waiting
      const plan = MailTimes.planDigest({ digest, timeZone, count: waiting.length, oldestAt, mailedAt }, now)
      for (const count of plan.mails) {
        mails.push({ at: now, items: waiting.slice(0, count) })
        waiting = waiting.slice(count)
      }
      nextAt = plan.nextAt
      assert.strictEqual(nextAt === null, waiting.length === 0)
    }
    const passTo = (time: number) => {
      while (nextAt !== null && nextAt <= time) {
        now = Math.max(now, nextAt)
        nextAt = null
        decide()
      }
      now = time
    }
    for (const pause of pauses) {
      passTo(now + pause)
      waiting.push(now)
      decide()
    }
    passTo(now + 3 * day)
    return mails
  }

  const Pauses = Schema.Array(Schema.Union([integer(0, 60_000), integer(0, 2 * hourMillis)])).check(
    Schema.isMaxLength(60)
  )

  it.prop(
    "without a digest, each submission is mailed once and in order, without delay if there are at most ten, and no hour has more than fourteen mails",
    [TimeZone, Pauses],
    ([zone, pauses]) => {
      const mails = simulate(null, zone, pauses)
      const items = mails.flatMap((mail) => mail.items)
      assert.deepStrictEqual([items.length, items], [pauses.length, items.toSorted((a, b) => a - b)])
      for (const { at, items: mailed } of mails) {
        const hour = mails.filter((mail) => mail.at <= at && at - mail.at < hourMillis)
        assert.isAtMost(hour.length, MailTimes.maxSingles + 4)
        if (mailed.length > 1) assert.isAbove(hour.flatMap((mail) => mail.items).length, MailTimes.maxSingles)
        for (const stored of mailed) assert.isAtMost(at - stored, MailTimes.quarterMillis)
      }
      if (pauses.length <= MailTimes.maxSingles) assert.isTrue(mails.every(({ at, items: [stored] }) => at === stored))
    }
  )

  it.prop(
    "a digest of 15m is mailed within 15 minutes of its submissions, and at most every 15 minutes",
    [TimeZone, Pauses],
    ([zone, pauses]) => {
      const mails = simulate("15m", zone, pauses)
      assert.strictEqual(mails.flatMap((mail) => mail.items).length, pauses.length)
      for (const [index, { at, items }] of mails.entries()) {
        for (const stored of items) assert.isAtMost(at - stored, MailTimes.quarterMillis)
        if (index > 0) assert.isAtLeast(at - (mails[index - 1]?.at ?? 0), MailTimes.quarterMillis)
      }
    }
  )

  it.prop("a daily digest is one mail on the next morning", [TimeZone, Pauses], ([zone, pauses]) => {
    const mails = simulate("daily", zone, pauses)
    assert.strictEqual(mails.flatMap((mail) => mail.items).length, pauses.length)
    for (const { at, items } of mails) {
      assert.strictEqual(at, MailTimes.morningAfter(zone, items[0] ?? 0))
      assert.strictEqual(at, MailTimes.morningAfter(zone, items.at(-1) ?? 0))
    }
  })

  it("submissions that do not fit into a mail follow a quarter of an hour later", () => {
    const waiting = {
      digest: "15m",
      timeZone: "UTC",
      count: MailTimes.maxItems + 3,
      oldestAt: 0,
      mailedAt: []
    } as const
    const now = MailTimes.quarterMillis
    assert.deepStrictEqual(MailTimes.planDigest(waiting, now), {
      mails: [MailTimes.maxItems],
      nextAt: now + MailTimes.quarterMillis
    })
  })
})

describe("delivery/mail/Mail", () => {
  it.prop(
    "a mail is refused for good only if the server answers DATA with 5xx, or RCPT TO with 5xx other than 5.7.x",
    [
      Schema.Literals(["EHLO", "AUTH", "MAIL FROM", "RCPT TO", "DATA"]),
      integer(400, 599),
      integer(0, 7),
      integer(0, 99)
    ],
    ([command, code, subject, detail]) => {
      const message = `${code} ${Math.floor(code / 100)}.${subject}.${detail} 5.7.1 no`
      const { _tag } = Mail.smtpOutcome({ command, code, answer: message, message })
      const isFinal = code >= 500 && (command === "DATA" || (command === "RCPT TO" && subject !== 7))
      assert.strictEqual(_tag, isFinal ? "Refused" : "Failed")
    }
  )

  it.prop(
    "an accepted mail is sent; a refused one and the tenth failure are final; another failure is retried",
    [integer(1, 12), Time],
    ([attempt, now]) => {
      assert.deepStrictEqual(Mail.nextAfter({ _tag: "Accepted" }, attempt, now, 0.5), { status: "sent" })
      assert.deepStrictEqual(Mail.nextAfter({ _tag: "Refused", error: "" }, attempt, now, 0.5), { status: "failed" })
      const next = Mail.nextAfter({ _tag: "Failed", error: "" }, attempt, now, 0.5)
      if (next.status === "pending") assert.isAbove(next.nextAttemptAt, now)
      assert.strictEqual(next.status, attempt > 9 ? "failed" : "pending")
    }
  )
})
