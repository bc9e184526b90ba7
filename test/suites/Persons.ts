/**
 * The tests that every layer of `Persons` must pass.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema, Stream } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import { Replies } from "../../src/delivery/mail/Reply.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as Id from "../../src/platform/Id.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Person from "../../src/privacy/Person.ts"
import { Persons, type Query } from "../../src/privacy/Person.ts"
import * as Delivery from "../support/Delivery.ts"
import * as Mails from "../support/Mails.ts"
import { draft, remove, submissionsOf } from "../support/TestSubmissions.ts"

export type Storage = Persons | Delivery.Storage

const ann: string = "ann@example.com"

/** A website with a webhook and an instance. */
const setup = Effect.gen(function* () {
  const websiteConfigId = yield* Delivery.newSite
  const { webhook } = yield* Delivery.newWebhook(websiteConfigId, "https://hooks.example/")
  const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
  )
  return { websiteConfigId, webhook, instanceId }
})

const submit = (fields: Parameters<typeof draft>[0]) => SubmissionRepo.use((repo) => repo.submit(draft(fields)))

/** Stores a conversation with a question, an answer and a comment on the answer. Returns its id. */
const storeConversation = Effect.fnUntraced(function* (
  instanceId: Id.InstanceId,
  question: string,
  answer = "Well",
  comment = ""
) {
  const store = yield* ConversationStore
  const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
  const answerId = Id.MessageId.make(randomUUID())
  yield* store.begin({ key, answerId, message: { messageId: Id.MessageId.make(randomUUID()), text: question } })
  yield* store.complete({ answerId, parts: [{ type: "text", text: answer }], ending: "stop", usage: null })
  if (comment !== "") yield* store.rate({ key, messageId: answerId, rating: "up", comment })
  return key.conversationId
})

const queryOf = (websiteConfigId: WebsiteConfigId | null, address = ann): Query => ({
  address,
  websiteConfigId,
  kinds: Person.kinds
})

/** The ids of the found submissions and conversations and the types of the found deliveries, in the order of the records. */
const findIds = Effect.fnUntraced(function* (query: Query) {
  const records = yield* Persons.use((persons) => Stream.runCollect(persons.records(query)))
  return {
    submissions: records.flatMap((one) => (one.kind === "submission" ? [one.submission.submissionId] : [])),
    conversations: records.flatMap((one) => (one.kind === "conversation" ? [one.conversation.conversation_id] : [])),
    deliveries: records.flatMap((one) => (one.kind === "delivery" ? [one.delivery.type] : []))
  }
})

const erase = (query: Query) => Persons.use((persons) => persons.erase(query))

const noIds = { submissions: [], conversations: [], deliveries: [] }

/** Parts of texts. Some have an address in another case. The lower case of the last two contains an ASCII letter. */
const Words = Schema.Array(
  Schema.Literals([
    "ann@example.com",
    "Ann@Example.COM",
    "/thanks?email=ann%40example.com",
    "joann@example.com",
    "mĀnn@example.com",
    "MāNN@example.com",
    "a/b@example.com",
    "A/B@example.com",
    " ",
    ".",
    "<",
    "write to",
    "\u212A",
    "\u0130"
  ])
).check(Schema.isMaxLength(4))

const escaped = (json: string): string =>
  json.replace(/[@a]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Spellings of JSON that senders use. */
const spellings = [
  (json: string) => json,
  (json: string) => json.replaceAll("/", "\\/"),
  (json: string) => json.replace(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`),
  // Escapes letters of the values only.
  (json: string) => json.replace(/(?<=:)"[^"]*"/g, escaped)
] as const

const Form = Schema.Struct({
  email: Schema.NullOr(Words),
  name: Words,
  value: Words,
  isNested: Schema.Boolean,
  spelling: Schema.Literals([0, 1, 2, 3])
})

const formData = ({ isNested, name, spelling, value }: typeof Form.Type): string => {
  const text = value.join("")
  return spellings[spelling](
    JSON.stringify(isNested ? { form: [{ text, [name.join("")]: true }, 1] } : { text, other: null })
  )
}

export const suite = <E>(name: string, layer: Layer.Layer<Storage, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect.prop(
      "finds the submissions and conversations that contain an address, and no others",
      {
        forms: Schema.Array(Form).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
        conversationShapes: Schema.Array(Schema.Struct({ question: Words, answer: Words, comment: Words })).check(
          Schema.isMaxLength(3)
        ),
        address: Schema.Literals([ann, "mānn@example.com", "a/b@example.com"])
      },
      ({ address, forms, conversationShapes }) =>
        Effect.gen(function* () {
          const { instanceId, websiteConfigId } = yield* setup
          const drafts = forms.map((form, index) =>
            draft({
              websiteConfigId,
              receivedAt: 1_700_000_000_000 + index,
              email: form.email === null ? null : form.email.join(""),
              formData: formData(form)
            })
          )
          for (const one of drafts) yield* submit(one)
          const conversations: Array<string> = []
          for (const { answer, comment, question } of conversationShapes) {
            const texts = [question, answer, comment].map((words) => words.join("")) as [string, string, string]
            const id = yield* storeConversation(instanceId, `${texts[0]}.`, texts[1], texts[2])
            if (texts.some((text) => Person.isMentioned(text, address))) conversations.push(id)
          }
          const records = yield* findIds(queryOf(websiteConfigId, address))
          assert.deepStrictEqual(
            records.submissions,
            drafts.filter((one) => Person.hasSubmitted(one, address)).map(({ submissionId }) => submissionId)
          )
          // The order of conversations that begin in the same millisecond is undefined.
          assert.deepStrictEqual([...records.conversations].sort(), conversations.sort())
        }),
      { arbitrary: { runs: 25 }, timeout: 120_000 }
    )

    it.effect("a submission is exported with the replies to it, and erased with them", () =>
      Effect.gen(function* () {
        const { websiteConfigId } = yield* setup
        const replies = yield* Replies
        const id = yield* submit({ websiteConfigId, email: ann })
        yield* submit({ websiteConfigId, email: ann, receivedAt: (yield* Clock.currentTimeMillis) + 1 })
        const createdAt = yield* Clock.currentTimeMillis
        yield* replies.add(websiteConfigId, id, {
          author: "Ada",
          reply_to: "ada@shop.example",
          to: ann,
          text: "Hello\u202e",
          createdAt
        })
        const records = yield* Persons.use((persons) => Stream.runCollect(persons.records(queryOf(websiteConfigId))))
        const lines = records.flatMap((record) => (record.kind === "submission" ? [Person.exportLine(record)] : []))
        const exported = lines.map((line) => JSON.parse(line).replies?.map(({ text }: { text: string }) => text))
        assert.deepStrictEqual(exported, [["Hello\u202e"], undefined])
        assert.notInclude(lines.join(), "\u202e")
        yield* erase(queryOf(websiteConfigId))
        assert.deepStrictEqual(yield* replies.list(websiteConfigId, id), [])
      })
    )

    it.effect("erases submissions, conversations and their data in deliveries, and nothing else", () =>
      Effect.gen(function* () {
        const { instanceId, webhook, websiteConfigId } = yield* setup
        const [key, now] = [randomUUID(), yield* Clock.currentTimeMillis]
        const ownSubmissions = [
          yield* submit({ websiteConfigId, receivedAt: now - 1, email: "ANN@example.com", key }),
          yield* submit({
            websiteConfigId,
            receivedAt: now,
            formData: '{"e":"Ann@Example.com "}',
            status: "quarantined"
          }),
          yield* submit({ websiteConfigId, receivedAt: now + 1, formData: '{"n":"Ann <ann@example.com>"}' }),
          yield* submit({ websiteConfigId, receivedAt: now + 2, formData: '{"ann@example.com":"on"}' })
        ]
        const other = yield* submit({
          websiteConfigId,
          email: "bob@example.com",
          formData: '{"a":"ask joann@example.com"}'
        })
        const ownConversation = yield* storeConversation(instanceId, "I am ann@example.com")
        const otherConversation = yield* storeConversation(instanceId, "I am joann@example.com")
        yield* Delivery.fanOutAll
        const query = queryOf(websiteConfigId)
        const before = yield* findIds(query)
        assert.deepStrictEqual([before.submissions, before.conversations], [ownSubmissions, [ownConversation]])
        assert.deepStrictEqual(before.deliveries, [
          "submission.accepted",
          "submission.quarantined",
          "submission.accepted",
          "submission.accepted",
          "conversation.started"
        ])
        assert.deepStrictEqual(yield* erase(query), {
          ...Person.nothing,
          submissions: 4,
          conversations: 1,
          deliveries: 5
        })
        assert.deepStrictEqual(yield* findIds(query), noIds)
        assert.deepStrictEqual(yield* erase(query), Person.nothing)
        yield* Delivery.fanOutAll
        const ofOther = yield* findIds(queryOf(websiteConfigId, "bob@example.com"))
        assert.deepStrictEqual(ofOther.submissions, [other])
        assert.deepStrictEqual((yield* findIds(queryOf(websiteConfigId, "joann@example.com"))).conversations, [
          otherConversation
        ])
        const listed = yield* Delivery.deliveriesOf(webhook)
        assert.lengthOf(
          listed.filter(({ type }) => type === "submission.deleted"),
          4
        )
        const payloads = yield* Effect.forEach(listed, ({ event_id: eventId }) =>
          Effect.map(
            Deliveries.use(({ show }) => show(webhook.webhookId, eventId)),
            (shown) => Option.getOrThrow(shown).payload ?? ""
          )
        )
        assert.notInclude(payloads.join("\n"), '"email":"ANN@example.com"')
        assert.notInclude(payloads.join("\n"), "I am ann@example.com")
        // The idempotency key can be used again.
        assert.notInclude(ownSubmissions, yield* submit({ websiteConfigId, email: "ANN@example.com", key }))
      })
    )

    it.effect("an erased conversation is in no mail any more, neither in one that waits nor in one that is made", () =>
      Effect.gen(function* () {
        const { instanceId, websiteConfigId } = yield* setup
        const notification = yield* Mails.add(websiteConfigId, { digest: "15m", conversations: "all" })
        const due = (yield* Clock.currentTimeMillis) + Mails.day
        const questions = ["I am ann@example.com", "I am bob@example.com"]
        yield* Effect.forEach(questions, (question) => storeConversation(instanceId, question))
        yield* Mails.makeAll(due)
        yield* storeConversation(instanceId, "Again ann@example.com")
        yield* Delivery.fanOutAll
        assert.strictEqual((yield* erase(queryOf(websiteConfigId))).conversations, 2)
        yield* Mails.makeAll(due)
        const [mail, ...others] = yield* Mails.leaseFor(notification)
        assert.deepStrictEqual(others, [])
        assert.deepStrictEqual(
          mail?.subject.kind === "submissions" && mail.subject.conversations.shown.map(({ question }) => question),
          ["I am bob@example.com"]
        )
      })
    )

    it.effect("finds submissions that were deleted before, and erases them for good", () =>
      Effect.gen(function* () {
        const { websiteConfigId } = yield* setup
        const [deleted, other] = [
          yield* submit({ websiteConfigId, email: ann }),
          yield* submit({ websiteConfigId, email: "bob@example.com" })
        ]
        assert.isTrue(yield* remove(websiteConfigId, deleted))
        assert.isTrue(yield* remove(websiteConfigId, other))
        const query = queryOf(websiteConfigId)
        assert.deepStrictEqual((yield* findIds(query)).submissions, [deleted])
        assert.strictEqual((yield* erase(query)).submissions, 1)
        assert.deepStrictEqual((yield* findIds(query)).submissions, [])
        assert.deepStrictEqual((yield* findIds(queryOf(websiteConfigId, "bob@example.com"))).submissions, [other])
      })
    )

    it.effect("erases the notifications whose mails go to the address", () =>
      Effect.gen(function* () {
        const notifications = yield* Notifications
        const [site, other] = [yield* Delivery.newSite, yield* Delivery.newSite]
        const add = (websiteConfigId: WebsiteConfigId, to: string) =>
          Effect.map(notifications.add(websiteConfigId, { to }), Option.getOrThrow)
        const [erased, onOther] = [yield* add(site, "Ann@Example.com"), yield* add(other, ann)]
        const ofOther = yield* add(site, "joann@example.com")
        const exported = Persons.use((persons) => Stream.runCollect(persons.records(queryOf(site))))
        const [first, ...others] = yield* exported
        assert.deepStrictEqual(others, [])
        assert.isTrue(first?.kind === "notification")
        if (first?.kind === "notification") assert.deepInclude(first.notification, erased)
        assert.deepStrictEqual(yield* erase(queryOf(site)), { ...Person.nothing, notifications: 1 })
        assert.deepStrictEqual(yield* exported, [])
        const remaining = yield* Effect.forEach([site, other], notifications.list)
        assert.deepStrictEqual(
          remaining.flat().map(({ notification_id }) => notification_id),
          [ofOther.notification_id, onOther.notification_id]
        )
      })
    )

    it.effect("searches one website or all, and only the requested kinds of data", () =>
      Effect.gen(function* () {
        const address = `${randomUUID()}@example.com`
        const [one, other] = [yield* setup, yield* setup]
        const instances = yield* InstanceDirectory
        const withoutSite = yield* instances.create({ name: "a", agent_url: "https://a.example" })
        for (const { instanceId, websiteConfigId } of [one, other]) {
          yield* submit({ websiteConfigId, email: address })
          yield* storeConversation(instanceId, address)
        }
        yield* storeConversation(withoutSite.instance_id, address)
        const counted = (query: Query) =>
          Effect.map(findIds(query), ({ conversations, submissions }) => [submissions.length, conversations.length])
        assert.deepStrictEqual(yield* counted(queryOf(null, address)), [2, 3])
        assert.deepStrictEqual(yield* counted(queryOf(one.websiteConfigId, address)), [1, 1])
        assert.deepStrictEqual(yield* counted(queryOf(WebsiteConfigId.make(randomUUID()), address)), [0, 0])
        const submissions = { ...queryOf(one.websiteConfigId, address), kinds: ["submission"] as const }
        assert.deepInclude(yield* erase(submissions), { submissions: 1, conversations: 0 })
        assert.deepStrictEqual(yield* counted(queryOf(null, address)), [1, 3])
        assert.deepInclude(yield* erase(queryOf(null, address)), { submissions: 1, conversations: 3 })
        assert.deepStrictEqual(yield* counted(queryOf(null, address)), [0, 0])
      })
    )

    it.effect("finds a person's data among the data of many others", () =>
      Effect.gen(function* () {
        const { websiteConfigId } = yield* setup
        // More than two pages of records with the same time.
        const ids = yield* Effect.forEach(
          Array.from({ length: 620 }, (_, index) => index),
          (index) => submit({ websiteConfigId, email: index % 2 === 0 ? ann : `${index}@example.com` }),
          { concurrency: "unbounded" }
        )
        const query = queryOf(websiteConfigId)
        assert.sameMembers(
          (yield* findIds(query)).submissions,
          ids.filter((_, index) => index % 2 === 0)
        )
        assert.deepInclude(yield* erase(query), { submissions: 310 })
        assert.lengthOf(yield* submissionsOf(websiteConfigId), 310)
      })
    )
  })
