import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AnswerHealth from "../../../src/chat/conversations/AnswerHealth.ts"
import * as Calendar from "../../../src/platform/text/Calendar.ts"

const Outcomes = Schema.Array(
  Schema.Struct({ at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })), isMissing: Schema.Boolean })
)

it.prop(
  "chat/conversations/AnswerHealth: the failures are those that are later than the latest success",
  [Outcomes],
  ([unsorted]) => {
    const outcomes = unsorted.map((outcome, index) => ({ ...outcome, at: outcome.at * 100 - index }))
    outcomes.sort((left, right) => right.at - left.at)
    const { answered_at, failed, failing_since } = AnswerHealth.of(outcomes)
    const answeredAt = answered_at === null ? null : Date.parse(answered_at)
    const successes = outcomes.filter(({ isMissing }) => !isMissing).map(({ at }) => at)
    assert.strictEqual(answeredAt, successes.length === 0 ? null : Math.max(...successes))
    const later = outcomes.filter(({ at, isMissing }) => isMissing && (answeredAt === null || at > answeredAt))
    assert.strictEqual(failed, later.length)
    assert.strictEqual(failing_since, later.length === 0 ? null : Calendar.iso(Math.min(...later.map(({ at }) => at))))
  }
)
