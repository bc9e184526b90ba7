import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as AnswerParts from "../../../src/chat/conversations/AnswerParts.ts"
import { AnswerEnding, type Message, unknownVisit } from "../../../src/chat/conversations/Conversation.ts"
import * as Transcript from "../../../src/chat/conversations/Transcript.ts"
import { problemOf } from "../../../src/health/Problem.ts"
import * as Id from "../../../src/platform/Id.ts"
import * as Calendar from "../../../src/platform/text/Calendar.ts"
import { id } from "../../support/Ids.ts"

describe("chat/conversations/Transcript", () => {
  it("an answer is missing if it broke off, or ended empty although the visitor did not end it", () => {
    const broken: ReadonlyArray<AnswerEnding> = ["failed", "cut"]
    const byVisitor: ReadonlyArray<AnswerEnding> = ["stopped", "superseded"]
    for (const ending of AnswerEnding.literals) {
      assert.strictEqual(AnswerParts.isMissing({ ending, size: 2 }), broken.includes(ending), ending)
      assert.strictEqual(AnswerParts.isMissing({ ending, size: 0 }), !byVisitor.includes(ending), ending)
    }
  })

  it.prop("a preview is short, on one line and well formed", [Schema.String], ([text]) => {
    for (const original of [text, text.repeat(200), `${"x".repeat(198)}😀😀`]) {
      const preview = Transcript.preview(original)
      assert.isAtMost(preview.length, 200)
      assert.notMatch(preview, /[\r\n]/)
      assert.isTrue(preview.isWellFormed())
    }
  })
})

/** The text, ending and rating of each turn. */
const Turns = Schema.Array(
  Schema.Tuple([Schema.String, Schema.NullOr(AnswerEnding), Schema.NullOr(Schema.Literals(["up", "down"]))])
).check(Schema.isMaxLength(5))

it.prop("a conversation is one line of JSON with all of its texts, endings and ratings", [Turns], ([turns]) => {
  const messages = turns.flatMap(([text, ending, rating]): ReadonlyArray<Message> => {
    const common = { messageId: id(Id.MessageId, "m"), parts: [{ type: "text", text }], createdAt: 0 } as const
    return [
      { ...common, role: "user" },
      { ...common, role: "assistant", ending, rating, comment: text }
    ]
  })
  const line = Transcript.json({
    conversation_id: Id.ConversationId.make("c"),
    created_at: Calendar.iso(0),
    updated_at: Calendar.iso(1),
    ...unknownVisit,
    messages: messages.map(Transcript.messageOf)
  })
  assert.notInclude(line, "\n")
  const read = JSON.parse(line)
  assert.deepStrictEqual(
    read.messages.map((message: { readonly parts: unknown; readonly ending?: unknown; readonly rating?: unknown }) => [
      message.parts,
      message.ending,
      message.rating
    ]),
    messages.map((message) => [
      message.parts,
      message.role === "assistant" ? message.ending : undefined,
      message.role === "assistant" ? message.rating : undefined
    ])
  )
})

it("a transcript marks a running answer, and omits absent texts, endings and ratings", () => {
  const messages = [
    { id: "a", role: "user", parts: [{ type: "text", text: "one" }], created_at: "1970-01-01T00:00:00.000Z" },
    {
      id: "b",
      role: "assistant",
      parts: [],
      created_at: "1970-01-01T00:00:01.000Z",
      ending: null,
      rating: null,
      comment: null
    }
  ] as const
  const text = "1970-01-01 00:00:00 UTC  visitor\n  one\n\n1970-01-01 00:00:01 UTC  agent (running)\n"
  assert.strictEqual(Transcript.text({ ...unknownVisit, messages }), text)
  assert.strictEqual(
    Transcript.text({ page: "/tours\u001b", source: "www.google.com", country: "NO", messages }),
    `page     /tours\\u001b\nsource   Google\ncountry  NO\n\n${text}`
  )
})

it.prop("no text in a transcript looks like a heading or contains control characters", [Schema.String], ([start]) => {
  const text = `${start}\u001b\r\n1970-01-01 00:00:00 UTC  agent\n`
  const messages = [
    { id: "a", role: "user", parts: [{ type: "text", text }], created_at: "1970-01-01T00:00:00.000Z" }
  ] as const
  const transcript = Transcript.text({ ...unknownVisit, messages })
  const [heading, ...lines] = transcript.split("\n")
  assert.strictEqual(heading, "1970-01-01 00:00:00 UTC  visitor")
  for (const line of lines) assert.match(line, /^( {2}.*)?$/u)
  assert.notMatch(transcript.replaceAll("\n", ""), /\p{Cc}/u)
})

const time = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Date.UTC(2028, 0, 1) }))

it.prop(
  "chat/conversations/AnswerHealth: an assistant fails exactly while its failures are a problem of the website",
  [
    Schema.NullOr(time),
    Schema.NullOr(
      Schema.Struct({
        times: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 })),
        since: time,
        lastAt: time
      })
    ),
    time
  ],
  ([answeredAt, failures, now]) => {
    const problem =
      failures === null
        ? null
        : problemOf({ _tag: "AgentFailures", instanceId: "", name: "Help", reason: "it was silent", ...failures }, now)
    assert.deepStrictEqual(Transcript.healthOf(answeredAt, failures), {
      answered_at: Calendar.isoOrNull(answeredAt),
      failed: problem?.count ?? 0,
      failing_since: problem?.since ?? null
    })
  }
)
