import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Problem from "../../src/health/Problem.ts"
import { dayMillis } from "../../src/platform/text/Calendar.ts"

const now = Date.UTC(2026, 10, 20, 12)

const Times = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))

/** How long ago something happened the last time, and how long before that it began: up to nine days, in hours. */
const Ago = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 216 }))

const hour = 3_600_000

const Series = Schema.Struct({ times: Times, last: Ago, began: Ago })

const seriesOf = ({ began, last, times }: typeof Series.Type) => ({
  times,
  since: now - (last + began) * hour,
  lastAt: now - last * hour
})

const instance = { instanceId: "0f8fad5b-d9cb-469f-a165-70867728950e", name: "Help" }

const factsOf = (series: typeof Series.Type, stored: number): ReadonlyArray<Problem.Fact> => {
  const counted = seriesOf(series)
  return [
    { _tag: "AgentFailures", ...instance, reason: "it was silent", ...counted },
    { _tag: "TokenRefusals", ...instance, ...counted },
    {
      _tag: "WebhookFailures",
      webhookId: instance.instanceId,
      host: "hooks.example",
      lastStatus: 500,
      lastError: null,
      disabledAt: null,
      ...counted
    },
    { _tag: "MailFailures", notificationId: instance.instanceId, domain: "example.com", ...counted },
    { _tag: "RefusedOrigin", origin: "https://shop.example", instanceId: null, ...counted },
    { _tag: "RefusedField", page: "contact", field: "phone", stored, ...counted },
    { _tag: "LimitRefusals", ...counted },
    { _tag: "LastSeen", at: counted.lastAt }
  ]
}

const Stored = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))

describe("health/Problem", () => {
  it.prop(
    "a fact stays a problem if it happens more often",
    { series: Series, more: Times, stored: Stored },
    ({ more, series, stored }) => {
      const often = factsOf({ ...series, times: series.times + more }, stored)
      for (const [index, fact] of factsOf(series, stored).entries()) {
        const before = Problem.kindOf(fact, now)
        if (before !== null) assert.strictEqual(Problem.kindOf(often[index]!, now), before)
      }
    }
  )

  it.prop(
    "counts that do not grow end as a problem after three days, and series of failures do not end by themselves",
    { series: Series, stored: Stored },
    ({ series, stored }) => {
      for (const fact of factsOf(series, stored)) {
        const kind = Problem.kindOf(fact, now)
        const later = Problem.kindOf(fact, now + 3 * dayMillis)
        if (fact._tag === "LastSeen") assert.strictEqual(later, "tag_silent")
        else if (/^(AgentFailures|WebhookFailures|MailFailures)$/.test(fact._tag)) assert.strictEqual(later, kind)
        else assert.isNull(later)
      }
    }
  )

  it.prop(
    "a problem has the times and the count of its fact",
    { series: Series, stored: Stored },
    ({ series, stored }) => {
      const { lastAt, since, times } = seriesOf(series)
      for (const fact of factsOf(series, stored)) {
        const problem = Problem.problemOf(fact, now)
        if (problem === null) continue
        assert.strictEqual(problem.kind, Problem.kindOf(fact, now))
        assert.isTrue(Date.parse(problem.since) <= Date.parse(problem.last_at))
        assert.strictEqual(problem.last_at, new Date(lastAt).toISOString())
        if (fact._tag === "LastSeen") assert.strictEqual(problem.count, Math.floor((now - lastAt) / dayMillis))
        else {
          assert.deepStrictEqual([problem.since, problem.count], [new Date(since).toISOString(), times])
        }
        assert.isNotEmpty(problem.next_step)
      }
    }
  )

  const webhook = (more: Partial<Problem.Fact & { readonly _tag: "WebhookFailures" }>): Problem.Fact => ({
    _tag: "WebhookFailures",
    webhookId: instance.instanceId,
    host: "hooks.example",
    lastStatus: 500,
    lastError: null,
    disabledAt: null,
    times: 9,
    since: now - 6 * dayMillis,
    lastAt: now,
    ...more
  })

  it("a webhook that its owner disabled is no problem; one that the service disabled is", () => {
    assert.isNull(Problem.kindOf(webhook({ disabledAt: now - 5 * dayMillis }), now))
    assert.strictEqual(Problem.kindOf(webhook({ disabledAt: now - dayMillis }), now), "webhook_disabled")
    const gone = webhook({ disabledAt: now - 6 * dayMillis, lastStatus: 410, times: 1 })
    assert.strictEqual(Problem.kindOf(gone, now), "webhook_disabled")
    assert.strictEqual(Problem.kindOf(webhook({}), now), "webhook_failing")
  })

  it("a webhook's reason is what its receiver answered last, or why it gave no answer", () => {
    const reason = (lastStatus: number | null, lastError: string | null) =>
      Problem.problemOf(webhook({ lastStatus, lastError }), now)?.reason
    assert.strictEqual(reason(503, null), "The receiver answered 503")
    assert.strictEqual(reason(null, "hooks.example was not found"), "hooks.example was not found")
    assert.strictEqual(reason(null, null), "The receiver gave no answer")
  })

  it("a rule is a problem only if it refuses a fifth of the submissions or more", () => {
    const field = (times: number, stored: number): Problem.Fact => ({
      _tag: "RefusedField",
      page: "contact",
      field: "phone",
      times,
      stored,
      since: now,
      lastAt: now
    })
    assert.strictEqual(Problem.kindOf(field(10, 40), now), "form_rules_refuse")
    assert.isNull(Problem.kindOf(field(10, 41), now))
    assert.isNull(Problem.kindOf(field(9, 0), now))
  })

  it("one failed answer is none, and two in a row are a problem with the reason of the log", () => {
    const failures = (times: number): Problem.Fact => ({
      _tag: "AgentFailures",
      ...instance,
      reason: "the agent answered 401",
      times,
      since: now,
      lastAt: now
    })
    assert.isNull(Problem.problemOf(failures(1), now))
    assert.deepInclude(Problem.problemOf(failures(2), now), {
      kind: "agent_failed",
      subject: "Help",
      subject_id: instance.instanceId,
      reason: "the agent answered 401"
    })
  })

  it("the most urgent problem is the first", () => {
    const facts = factsOf({ times: 60, last: 0, began: 1 }, 0)
    const kinds = Problem.problemsOf(facts.toReversed(), now).map(({ kind }) => kind)
    assert.deepStrictEqual(
      kinds,
      Problem.kinds.filter((kind) => kinds.includes(kind))
    )
    assert.lengthOf(kinds, 7)
  })

  it("without its subject, a problem names nothing of the website", () => {
    for (const fact of factsOf({ times: 60, last: 0, began: 1 }, 0)) {
      const problem = Problem.problemOf(fact, now)
      if (problem === null) continue
      assert.notMatch(JSON.stringify(Problem.withoutSubject(problem)), /Help|hooks|example|contact|phone|silent/)
    }
  })
})
