import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Problem from "../../src/health/Problem.ts"
import * as ProblemMails from "../../src/health/postgres/ProblemMails.ts"

const minute = 60_000

/** Looks, each some minutes after the one before, and whether they find the problem. */
const Looks = Schema.Array(
  Schema.Struct({ minutes: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 90 })), isFound: Schema.Boolean })
)

interface Mail {
  readonly at: number
  readonly mailed: ProblemMails.Mailed
}

/** The mails after some looks, and what is known then. */
const watch = (looks: ReadonlyArray<{ readonly minutes: number; readonly isFound: boolean }>) => {
  let now = 0
  let watched: ProblemMails.Watched | null = null
  const mails: Array<Mail> = []
  for (const { isFound, minutes } of looks) {
    now += minutes * minute
    const step: ProblemMails.Step = ProblemMails.step(watched, isFound, now)
    watched = step.watched
    if (step.mailed !== null) mails.push({ at: now, mailed: step.mailed })
  }
  return { mails, watched, now }
}

const repeated = (count: number, isFound: boolean) => Array.from({ length: count }, () => ({ minutes: 5, isFound }))

describe("health/Watch", () => {
  it.prop("beginnings and ends alternate, and beginnings are a day apart", [Looks], ([looks]) => {
    const { mails } = watch(looks)
    for (const [index, { at, mailed }] of mails.entries()) {
      assert.strictEqual(mailed, index % 2 === 0 ? "began" : "ended")
      if (index >= 2 && mailed === "began") assert.isAtLeast(at - mails[index - 2]!.at, ProblemMails.beginApart)
    }
  })

  it.prop("a problem that is mailed is mailed as ended once it stays away, and then forgotten", [Looks], ([looks]) => {
    const before = watch(looks)
    const after = watch([...looks, ...repeated(400, false)])
    assert.isNull(after.watched)
    assert.strictEqual(after.mails.length % 2, 0)
    assert.strictEqual(after.mails.length, before.mails.length + (before.mails.length % 2))
  })

  it.prop("a problem that stays is mailed once, at the latest a day after the beginning before", [Looks], ([looks]) => {
    const { mails } = watch([...looks, ...repeated(400, true)])
    assert.strictEqual(mails.at(-1)?.mailed, "began")
    assert.isAtMost(mails.length - watch(looks).mails.length, 1)
  })

  it("one that lasts ten minutes is mailed, and its end an hour after it is gone", () => {
    const { mails } = watch([...repeated(10, true), ...repeated(20, false)])
    assert.deepStrictEqual(mails, [
      { at: 15 * minute, mailed: "began" },
      { at: 55 * minute + ProblemMails.endAfter, mailed: "ended" }
    ])
    assert.deepStrictEqual(watch([...repeated(2, true), ...repeated(20, false)]).mails, [])
  })

  it("one that comes and goes all day is two mails at most", () => {
    const flapping = Array.from({ length: 8 }, () => [...repeated(4, true), ...repeated(14, false)]).flat()
    assert.deepStrictEqual(
      watch(flapping).mails.map(({ mailed }) => mailed),
      ["began", "ended"]
    )
  })

  it("all refused origins are one problem, and a webhook that fails and is disabled is one", () => {
    const now = Date.UTC(2026, 10, 20)
    const origin = (name: string, times: number): Problem.Fact => ({
      _tag: "RefusedOrigin",
      origin: `https://${name}.example`,
      instanceId: null,
      times,
      since: now,
      lastAt: now
    })
    const webhook = (disabledAt: number | null): Problem.Fact => ({
      _tag: "WebhookFailures",
      webhookId: "0f8fad5b-d9cb-469f-a165-70867728950e",
      host: "hooks.example",
      lastStatus: 410,
      lastError: null,
      disabledAt,
      times: 4,
      since: now,
      lastAt: now
    })
    const problems = Problem.problemsOf([origin("a", 5), origin("b", 9), webhook(null)], now)
    const found = ProblemMails.byKey(problems)
    assert.deepStrictEqual([...found.values()].map(({ subject }) => subject).sort(), [
      "hooks.example",
      "https://b.example"
    ])
    assert.sameMembers(
      [...ProblemMails.byKey(Problem.problemsOf([webhook(now), origin("c", 3)], now)).keys()],
      [...found.keys()]
    )
  })
})
