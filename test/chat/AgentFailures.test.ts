import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as AgentFailures from "../../src/chat/AgentFailures.ts"
import { type AgentError, AgentRefused, DailyTokensUsed, texts } from "../../src/chat/AgentStream.ts"
import { recording } from "../../src/chat/agent/AgentClient.ts"

const Outcome = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Answered") }),
  Schema.Struct({
    _tag: Schema.Literal("Failed"),
    kind: Schema.Literals(AgentFailures.kinds),
    reason: Schema.Literals(["one", "two"])
  })
])

const addAll = (outcomes: ReadonlyArray<typeof Outcome.Type>) =>
  outcomes.reduce<AgentFailures.Outcomes>(
    (added, outcome, at) => AgentFailures.add(added, outcome, at),
    AgentFailures.none
  )

/** The outcomes that are recorded of answers, one after another, each `millis` after the one before. */
const recordedOf = Effect.fnUntraced(function* (
  millis: number,
  answers: ReadonlyArray<Stream.Stream<unknown, AgentError>>
) {
  const recorded: Array<AgentFailures.Outcome> = []
  const record = recording((_, outcome) => Effect.sync(() => void recorded.push(outcome)))
  for (const answer of answers) {
    yield* Effect.exit(Stream.runDrain(record("a", answer)))
    yield* TestClock.adjust(millis)
  }
  return recorded
})

const refused = Stream.fail(new AgentRefused({ reason: "the agent answered 401" }))

const Answers = Schema.Array(Schema.Boolean)

describe("chat/AgentFailures", () => {
  it.prop("holds the last answer and the failures after it", [Schema.Array(Outcome)], ([outcomes]) => {
    const { answeredAt, failures } = addAll(outcomes)
    const last = outcomes.findLastIndex(({ _tag }) => _tag === "Answered")
    assert.strictEqual(answeredAt, last === -1 ? null : last)
    for (const kind of AgentFailures.kinds) {
      const after = outcomes.flatMap((outcome, at) =>
        outcome._tag === "Failed" && outcome.kind === kind && at > last ? [{ at, reason: outcome.reason }] : []
      )
      const [first, latest] = [after[0], after.at(-1)]
      assert.deepStrictEqual(
        failures.get(kind),
        first === undefined || latest === undefined
          ? undefined
          : { times: after.length, since: first.at, lastAt: latest.at, reason: latest.reason }
      )
    }
  })

  it.effect.prop(
    "every failure is recorded, and the first answer after one, so that what is recorded ends with what happened last",
    [Answers],
    ([answers]) =>
      Effect.gen(function* () {
        const recorded = yield* recordedOf(
          1_000,
          answers.map((isAnswered) => (isAnswered ? texts(["Hello"]) : refused))
        )
        assert.strictEqual(
          recorded.filter(({ _tag }) => _tag === "Failed").length,
          answers.filter((isAnswered) => !isAnswered).length
        )
        const last = answers.at(-1)
        assert.strictEqual(recorded.at(-1)?._tag, last === undefined ? undefined : last ? "Answered" : "Failed")
      })
  )

  it.effect("records an answer a minute, and failures with the reason of the log", () =>
    Effect.gen(function* () {
      const answers = [texts(["Hello"]), texts(["Hello"]), texts(["Hello"]), refused]
      assert.deepStrictEqual(yield* recordedOf(30_000, answers), [
        { _tag: "Answered" },
        { _tag: "Answered" },
        { _tag: "Failed", kind: "failed", reason: "the agent answered 401" }
      ])
      assert.deepStrictEqual(AgentFailures.failed(new DailyTokensUsed({ retryAfter: 60 })), {
        _tag: "Failed",
        kind: "tokens-used",
        reason: "its tokens of the day are used"
      })
    })
  )

  it.effect("records nothing of an answer whose reader leaves", () =>
    Effect.gen(function* () {
      const cut = Stream.concat(Stream.take(texts(["a", "b"]), 1), Stream.fromEffect(Effect.interrupt))
      assert.deepStrictEqual(yield* recordedOf(0, [cut]), [])
      const recorded: Array<AgentFailures.Outcome> = []
      const record = recording((_, outcome) => Effect.sync(() => void recorded.push(outcome)))
      yield* Stream.runDrain(Stream.take(record("a", texts(["a", "b"])), 2))
      assert.deepStrictEqual(recorded, [])
    })
  )
})
