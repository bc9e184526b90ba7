/**
 * The tests that every layer of `Transcripts` must pass.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, Fiber, type Layer, Option, Schema, Stream } from "effect"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import { AnswerEnding } from "../../src/chat/conversations/Conversation.ts"
import * as Transcript from "../../src/chat/conversations/Transcript.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Transcripts } from "../../src/chat/Transcripts.ts"
import * as Id from "../../src/platform/Id.ts"
import { iso } from "../../src/platform/text/Calendar.ts"
import { latestFirst, type Position } from "../../src/platform/text/Cursor.ts"
import type { Access } from "../../src/sites/access/Access.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { beginAnswer, isMissing, matches } from "../support/Conversations.ts"
import * as Locks from "../support/postgres/Locks.ts"
import { at } from "./VisitorSalts.ts"

const start = Date.UTC(2026, 10, 1)

const toSummary = ({
  messages,
  opened_at: _,
  opened_by: __,
  ...conversation
}: Transcript.OpenTranscript): Transcript.TranscriptSummary => {
  const answers = messages.filter(({ role }) => role === "assistant")
  return {
    ...conversation,
    messages: messages.length,
    preview: Transcript.preview(AnswerParts.textOf(messages.find(({ role }) => role === "user")?.parts ?? [])),
    unanswered: answers.filter(isMissing).length,
    up: answers.filter(({ rating }) => rating === "up").length,
    down: answers.filter(({ rating }) => rating === "down").length
  }
}

const newInstance = InstanceDirectory.use((instances) =>
  Effect.map(
    instances.create({ name: "a", agent_url: "https://a.example" }),
    ({ instance_id: instanceId }) => instanceId
  )
)

/** Stores a new conversation with these turns at `time`, and reads it. */
const storeConversation = (instanceId: Id.InstanceId, turns: ReadonlyArray<typeof Turn.Type>, time: number) =>
  Effect.gen(function* () {
    const store = yield* ConversationStore
    const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
    for (const { answer, comment, ending, isSourced, question, rating } of turns) {
      const answerId = yield* beginAnswer(key, question)
      const parts = [
        ...(answer === "" ? [] : [{ type: "text" as const, text: answer }]),
        ...(isSourced ? [{ type: "source-url" as const, sourceId: "source-1", url: "https://a.example/" }] : [])
      ]
      yield* store.complete({ answerId, parts, ending, usage: null })
      if (rating !== null) yield* store.rate({ key, messageId: answerId, rating, comment })
    }
    return Option.getOrThrow(yield* Transcripts.use((transcripts) => transcripts.find("all", key)))
  }).pipe(at(time))

const Turn = Schema.Struct({
  question: Schema.Literals(["Where are you?", 'größer "x"', "  two\n lines  ", "a\nour\\now", "\u0000"]),
  answer: Schema.Literals(["", "Here: 日本", "100%"]),
  isSourced: Schema.Boolean,
  ending: AnswerEnding,
  rating: Schema.NullOr(Schema.Literals(["up", "down"])),
  comment: Schema.NullOr(Schema.Literals(["Thank you", "Bad"]))
})

/** Whether the visitor got an answer; one that the visitor ended before its first word says nothing. */
const isAnswered = ({ ending = null, parts, role }: Transcript.TranscriptMessage): boolean =>
  role === "assistant" &&
  ending !== null &&
  AnswerParts.isUnansweredAfter({ ending, size: AnswerParts.sizeOf(parts) }) === false

const Filter = Schema.Struct({
  search: Schema.UndefinedOr(
    Schema.Literals(["where", 'größer "x"', "日本", "%", "THANK", "text", "NO", "a\nour\\n", "nothing"])
  ),
  unanswered: Schema.UndefinedOr(Schema.Boolean),
  rating: Schema.UndefinedOr(Schema.Literals(["up", "down"])),
  since: Schema.UndefinedOr(Schema.Literals([start, start + 1, start + 2])),
  before: Schema.UndefinedOr(Schema.Literals([start, start + 1, start + 2]))
})

/** A conversation without the members that an export leaves out. */
const exported = ({
  opened_at: _,
  opened_by: __,
  waiting: ___,
  ...transcript
}: Transcript.OpenTranscript): Transcript.Transcript => transcript

const byStart = (left: Transcript.Transcript, right: Transcript.Transcript): number =>
  Date.parse(left.created_at) - Date.parse(right.created_at) || (left.conversation_id < right.conversation_id ? -1 : 1)

/** Reads the whole list, page by page. */
const listed = Effect.fnUntraced(function* (instanceId: Id.InstanceId, filter: Transcript.ListFilter, limit: number) {
  const transcripts = yield* Transcripts
  const items: Array<Transcript.TranscriptSummary> = []
  let after: Position | null = null
  do {
    const page: Transcript.Page = yield* transcripts.list({ reach: "all", instanceId, filter, after, limit })
    assert.isAtMost(page.items.length, limit)
    items.push(...page.items)
    after = page.next
  } while (after !== null)
  return items
})

export const suite = <E>(
  name: string,
  layer: Layer.Layer<Transcripts | ConversationStore | AgentFailures | InstanceDirectory | SiteDirectory | PgClient, E>
) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.prop(
      "a list has the conversations that match its filter, latest first, in pages of any size, and a stream has them oldest first",
      {
        shapes: Schema.Array(
          Schema.Struct({
            turns: Schema.Array(Turn).check(Schema.isMinLength(1), Schema.isMaxLength(3)),
            time: Schema.Literals([0, 1, 2])
          })
        ).check(Schema.isMaxLength(5)),
        filter: Filter,
        limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 }))
      },
      ({ shapes, limit, filter }) =>
        Effect.gen(function* () {
          const [instance, other] = [yield* newInstance, yield* newInstance]
          const conversations: Array<Transcript.OpenTranscript> = []
          for (const { time, turns } of shapes) {
            conversations.push(yield* storeConversation(instance, turns, start + time))
            yield* storeConversation(other, turns, start + time)
          }
          const expected = conversations.filter((conversation) => matches(conversation, filter))
          assert.deepStrictEqual(
            yield* listed(instance, filter, limit),
            expected
              .toSorted((left, right) => latestFirst(Transcript.positionOf(left), Transcript.positionOf(right)))
              .map(toSummary)
          )
          const { answerHealth, stream } = yield* Transcripts
          const latest = conversations.toSorted((left, right) =>
            latestFirst(Transcript.positionOf(left), Transcript.positionOf(right))
          )
          const answered = latest
            .slice(0, Transcript.healthWindow)
            .flatMap(({ messages }) => messages.filter(isAnswered).map(({ created_at }) => Date.parse(created_at)))
          assert.deepStrictEqual(
            yield* answerHealth("all", instance),
            Transcript.healthOf(answered.length === 0 ? null : Math.max(...answered), null)
          )
          assert.deepStrictEqual(
            yield* Stream.runCollect(stream({ reach: "all", instanceId: instance, filter: filter })),
            expected.toSorted(byStart).map(exported)
          )
        }),
      { arbitrary: { runs: 30 } }
    )

    it.effect.prop(
      "a list of several websites has what the lists of their instances have, latest first, in pages of any size",
      {
        shapes: Schema.Array(
          Schema.Struct({
            turns: Schema.Array(Turn).check(Schema.isMinLength(1), Schema.isMaxLength(2)),
            time: Schema.Literals([0, 1, 2]),
            instance: Schema.Literals([0, 1, 2, 3])
          })
        ).check(Schema.isMaxLength(6)),
        filter: Schema.Struct({ ...Filter.fields, waiting: Schema.Boolean }),
        limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 }))
      },
      ({ filter, limit, shapes }) =>
        Effect.gen(function* () {
          const transcripts = yield* Transcripts
          const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
          const [first, second, other] = [yield* newSite, yield* newSite, yield* newSite]
          const instances = yield* Effect.forEach([first, first, second, other], (site, index) =>
            InstanceDirectory.use((directory) =>
              directory.create({
                name: `Assistant ${index}`,
                agent_url: "https://a.example",
                website_config_id: site.websiteConfigId
              })
            ).pipe(Effect.map(({ instance_id: instanceId, name }) => ({ instanceId, name, site })))
          )
          for (const { instance, time, turns } of shapes) {
            const { instanceId } = instances[instance] ?? assert.fail()
            yield* storeConversation(instanceId, turns, start + time)
          }
          const expected = Effect.fnUntraced(function* (count: number) {
            const lists = yield* Effect.forEach(instances.slice(0, count), ({ instanceId, name, site }) =>
              Effect.map(listed(instanceId, filter, 100), (found) =>
                found.map((summary) => ({
                  ...summary,
                  instanceId,
                  instanceName: name,
                  websiteConfigId: site.websiteConfigId
                }))
              )
            )
            const place = (summary: Transcript.AllSummary): Position => ({
              time: Date.parse(summary.updated_at),
              id: Transcript.placeOf(summary.instanceId, summary.conversation_id)
            })
            return lists.flat().toSorted((left, right) => latestFirst(place(left), place(right)))
          })
          const found = Effect.fnUntraced(function* (sites: Access["sites"]) {
            const items: Array<Transcript.AllSummary> = []
            let after: Position | null = null
            do {
              const page: Transcript.AllPage = yield* transcripts.listAll({ sites, filter, after, limit })
              assert.isAtMost(page.items.length, limit)
              items.push(...page.items)
              after = page.next
            } while (after !== null)
            return items
          })
          assert.deepStrictEqual(yield* found([first.websiteConfigId, second.websiteConfigId]), yield* expected(3))
          assert.deepStrictEqual(yield* found([first.websiteConfigId]), yield* expected(2))
          assert.deepStrictEqual(yield* found([]), [])
          const own = new Set<string>(instances.map(({ instanceId }) => instanceId))
          // Also those of other tests.
          const all = (yield* found("all")).filter(({ instanceId }) => own.has(instanceId))
          assert.deepStrictEqual(all, yield* expected(4))
        }),
      { arbitrary: { runs: 15 } }
    )

    it.effect(
      "an assistant fails from its second failure in a row to its next answer, whatever its conversations say",
      () =>
        Effect.gen(function* () {
          const { answerHealth } = yield* Transcripts
          const { flush, record } = yield* AgentFailures
          const instance = yield* newInstance
          const turn = { question: "Where are you?", isSourced: false, rating: null, comment: null } as const
          const fails = record(instance, { _tag: "Failed", kind: "failed", reason: "the agent answered 500" }).pipe(
            Effect.andThen(flush)
          )
          yield* storeConversation(instance, [{ ...turn, answer: "100%", ending: "stop" }], start)
          yield* storeConversation(instance, [{ ...turn, answer: "", ending: "failed" }], start + 1)
          const answering = { answered_at: iso(start), failed: 0, failing_since: null }
          assert.deepStrictEqual(yield* answerHealth("all", instance), answering)
          yield* fails
          assert.deepStrictEqual(yield* answerHealth("all", instance), answering)
          const [first] = yield* PgClient.use(
            (sql) => sql<{ since: Date }>`SELECT since FROM agent_failure WHERE instance_id = ${PgTypes.uuid(instance)}`
          )
          yield* fails
          const failing = { failed: 2, failing_since: first?.since.toISOString() ?? null }
          assert.deepStrictEqual(yield* answerHealth("all", instance), { answered_at: iso(start), ...failing })
          // The agent is tried, and answers.
          yield* Effect.andThen(record(instance, { _tag: "Answered" }), flush)
          assert.deepStrictEqual(yield* answerHealth("all", instance), answering)
        })
    )

    it.effect("a caller that leaves while it stores failures loses none", () =>
      Effect.gen(function* () {
        const { answerHealth } = yield* Transcripts
        const { flush, record } = yield* AgentFailures
        const sql = yield* PgClient
        const [answering, instance] = [yield* newInstance, yield* newInstance]
        const locked = yield* Locks.openTransaction(sql, sql`LOCK TABLE agent_failure IN EXCLUSIVE MODE`)
        yield* record(answering, { _tag: "Answered" })
        for (let count = 0; count < 2; count++) {
          yield* record(instance, { _tag: "Failed", kind: "failed", reason: "the agent answered 500" })
        }
        const caller = yield* Effect.forkChild(flush, { startImmediately: true })
        yield* Locks.untilAwaited(sql)
        const left = yield* Effect.forkChild(Fiber.interrupt(caller), { startImmediately: true })
        yield* locked.commit
        yield* Fiber.join(left)
        assert.strictEqual((yield* answerHealth("all", instance)).failed, 2)
      })
    )

    it.effect.prop(
      "a conversation waits for a person from the failure of its latest answer until an answer succeeds or a person opens it",
      {
        steps: Schema.Array(
          Schema.Union([
            Schema.Literal("open"),
            Schema.Struct({ ending: AnswerEnding, answer: Schema.Literals(["", "Here"]) })
          ])
        ).check(Schema.isMinLength(1), Schema.isMaxLength(8))
      },
      ({ steps }) =>
        Effect.gen(function* () {
          const { find, open } = yield* Transcripts
          const instanceId = yield* newInstance
          const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
          let opened: Pick<Transcript.OpenTranscript, "opened_at" | "opened_by"> = { opened_at: null, opened_by: null }
          let waits = false
          for (const [index, step] of steps.entries()) {
            const time = start + index
            if (step === "open") {
              const isStored = index > 0 && steps.slice(0, index).some((earlier) => earlier !== "open")
              assert.strictEqual(yield* open("all", key, `person ${index}`).pipe(at(time)), isStored)
              if (isStored) opened = { opened_at: iso(time), opened_by: `person ${index}` }
              waits = false
            } else {
              yield* at(time)(
                Effect.gen(function* () {
                  const answerId = yield* beginAnswer(key, "Where?")
                  const parts = step.answer === "" ? [] : [{ type: "text" as const, text: step.answer }]
                  yield* ConversationStore.use((store) =>
                    store.complete({ answerId, parts, ending: step.ending, usage: null })
                  )
                })
              )
              const isBroken = step.ending === "failed" || step.ending === "cut"
              const isEndedByVisitor = step.ending === "stopped" || step.ending === "superseded"
              if (isBroken) waits = true
              else if (step.answer !== "") waits = false
              else if (!isEndedByVisitor) waits = true
            }
            const found = yield* find("all", key)
            if (Option.isSome(found)) {
              const { opened_at, opened_by, waiting } = found.value
              assert.deepStrictEqual({ waiting, opened_at, opened_by }, { waiting: waits, ...opened })
            }
            assert.deepStrictEqual(
              (yield* listed(instanceId, { waiting: true }, 1)).map(({ conversation_id, waiting }) => [
                conversation_id,
                waiting
              ]),
              waits ? [[key.conversationId, true]] : []
            )
          }
        }),
      { arbitrary: { runs: 40 } }
    )

    it.effect("the conversations that wait are counted by website, and opened only within reach", () =>
      Effect.gen(function* () {
        const { countWaiting, open } = yield* Transcripts
        const { instances, sites } = { instances: yield* InstanceDirectory, sites: yield* SiteDirectory }
        const [one, two, none] = yield* Effect.forEach(["1", "2", "3"], (name) => sites.create({ name, origins: [] }))
        const instanceOf = ({ websiteConfigId }: Site) =>
          Effect.map(
            instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId }),
            ({ instance_id }) => instance_id
          )
        const first = yield* instanceOf(one!)
        const failed = {
          question: "Where are you?",
          answer: "",
          isSourced: false,
          ending: "failed",
          rating: null,
          comment: null
        } as const
        const { conversation_id: conversationId } = yield* storeConversation(first, [failed], start)
        yield* storeConversation(yield* instanceOf(one!), [failed, failed], start)
        yield* storeConversation(yield* instanceOf(two!), [failed], start)
        yield* storeConversation(yield* instanceOf(none!), [{ ...failed, ending: "stop", answer: "100%" }], start)
        const ids = [one!, two!, none!].map(({ websiteConfigId }) => websiteConfigId)
        const counts = Effect.map(countWaiting(ids), (all) => ids.map((id) => all.get(id)))
        assert.deepStrictEqual(yield* counts, [2, 1, undefined])
        const key = { instanceId: first, conversationId }
        assert.isFalse(yield* open(ids[1]!, key, "Ada").pipe(at(start + 1)))
        assert.deepStrictEqual(yield* counts, [2, 1, undefined])
        assert.isTrue(yield* open(ids[0]!, key, "Ada").pipe(at(start + 1)))
        assert.deepStrictEqual(yield* counts, [1, 1, undefined])
        assert.deepStrictEqual(yield* countWaiting([]), new Map())
      })
    )

    it.effect("a search finds texts, and not the letters with which JSON escapes their line breaks", () =>
      Effect.gen(function* () {
        const instance = yield* newInstance
        const turn = { answer: "", isSourced: true, ending: "stop", rating: null, comment: null } as const
        yield* storeConversation(instance, [{ ...turn, question: "a\nour\\now" }], start)
        for (const search of ["a\nour", "R\\n", "now", "ow"]) {
          assert.lengthOf(yield* listed(instance, { search }, 1), 1, search)
        }
        for (const search of ["nour", "\\nour", "r\now"]) {
          assert.lengthOf(yield* listed(instance, { search }, 1), 0, search)
        }
      })
    )

    it.effect("an answer that has only a source is not missing", () =>
      Effect.gen(function* () {
        const instance = yield* newInstance
        const turn = { question: "Where are you?", answer: "", ending: "stop", rating: null, comment: null } as const
        yield* storeConversation(instance, [{ ...turn, isSourced: true }], start)
        yield* storeConversation(instance, [{ ...turn, isSourced: false }], start)
        assert.deepStrictEqual((yield* listed(instance, {}, 2)).map(({ unanswered }) => unanswered).sort(), [0, 1])
        assert.lengthOf(yield* listed(instance, { unanswered: true }, 2), 1)
      })
    )

    it.effect("a conversation has its messages and times, and is found only by its own instance and id", () =>
      Effect.gen(function* () {
        const transcripts = yield* Transcripts
        const [instance, other] = [yield* newInstance, yield* newInstance]
        const turn = {
          question: "Where are you?",
          answer: "100%",
          isSourced: false,
          ending: "stop",
          rating: "up",
          comment: "Bad"
        } as const
        const conversation = yield* storeConversation(instance, [turn, turn], start)
        assert.lengthOf(conversation.messages, 4)
        assert.deepStrictEqual([conversation.created_at, conversation.updated_at], [iso(start), iso(start)])
        const { conversation_id: conversationId } = conversation
        for (const key of [
          { instanceId: other, conversationId },
          { instanceId: instance, conversationId: Id.ConversationId.make(randomUUID()) }
        ]) {
          assert.isTrue(Option.isNone(yield* transcripts.find("all", key)))
        }
      })
    )

    it.effect("another website reads and deletes no conversation of an instance", () =>
      Effect.gen(function* () {
        const { answerHealth, find, list, stream } = yield* Transcripts
        const store = yield* ConversationStore
        const instanceId = yield* newInstance
        const turn = { question: "Where are you?", answer: "100%", isSourced: false, ending: "stop" } as const
        const { conversation_id } = yield* storeConversation(
          instanceId,
          [{ ...turn, rating: null, comment: null }],
          start
        )
        const reach = Id.WebsiteConfigId.make(randomUUID())
        const key = { instanceId, conversationId: conversation_id }
        assert.isTrue(Option.isNone(yield* find(reach, key)))
        const none = { items: [], next: null }
        assert.deepStrictEqual(yield* list({ reach, instanceId, filter: {}, after: null, limit: 1 }), none)
        assert.deepStrictEqual(yield* Stream.runCollect(stream({ reach, instanceId, filter: {} })), [])
        assert.isNull((yield* answerHealth(reach, instanceId)).answered_at)
        const [message] = Option.getOrThrow(yield* find("all", key)).messages
        const byMessage = { instanceId, conversationId: Id.ConversationId.make(message?.id ?? "") }
        assert.deepStrictEqual(yield* find("all", byMessage), yield* find("all", key))
        assert.isTrue(Option.isNone(yield* find(reach, byMessage)))
        assert.isTrue(Option.isNone(yield* find("all", { ...byMessage, instanceId: yield* newInstance })))
        assert.isFalse(yield* store.delete(reach, key))
        assert.isTrue(Option.isSome(yield* find("all", key)))
      })
    )
  })
