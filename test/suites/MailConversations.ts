/**
 * The tests of `Mails` about conversations.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { type LeasedMail, Mails } from "../../src/delivery/mail/Mail.ts"
import { ConversationId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import { hourMillis } from "../../src/platform/text/Calendar.ts"
import { newSite, type Storage } from "../support/Delivery.ts"
import { add, idsOf, later, leaseFor, makeAll, record, submit } from "../support/Mails.ts"
import { ask, beginAnswer, newKey } from "../support/SiteConversations.ts"

/** The conversations of a mail: their questions, and whether they got no answer. */
const conversationsOf = ({ subject }: LeasedMail) =>
  subject.kind === "submissions"
    ? subject.conversations.shown.map(({ isUnanswered, question }) => [question, isUnanswered])
    : []

/** Makes and sends the mails of a website. Returns the name of each recipient with the conversations of the mail. */
const sendAll = Effect.fnUntraced(function* (site: WebsiteConfigId) {
  yield* makeAll()
  const leased = yield* Mails.use((mails) => mails.lease(1_000))
  const ofSite = leased.filter((mail) => mail.site.websiteConfigId === site)
  yield* Effect.forEach(ofSite, (mail) => record(mail, { status: "sent" }))
  return ofSite.map((mail) => [mail.notification.to.split("@")[0], ...conversationsOf(mail)])
})

export const suite = (it: Vitest.MethodsNonLive<Storage>) => {
  it.effect("a conversation is mailed once: when it begins, or when it gets no answer, as each recipient chose", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const added = [
        yield* add(site, { conversations: "all" }, "all@example.com"),
        yield* add(site, {}, "default@example.com"),
        yield* add(site, { conversations: "off" }, "off@example.com"),
        yield* add(site, { page: "contact" }, "form@example.com")
      ]
      assert.deepStrictEqual(
        added.map(({ conversations }) => conversations),
        ["all", "unanswered", "off", "off"]
      )
      const key = yield* newKey(site)
      yield* ask(key, "When do you open?", "At nine.")
      assert.deepStrictEqual(yield* sendAll(site), [["all", ["When do you open?", false]]])
      yield* ask(key, "And close?", "")
      yield* ask(key, "Hello?", "")
      assert.deepStrictEqual(yield* sendAll(site), [["default", ["When do you open?", true]]])
      yield* ask(key, "Hello?", "At five.")
      yield* ask(key, "Thank you", "")
      assert.deepStrictEqual(yield* sendAll(site), [])
      // One that begins and gets no answer before the mail is made is mailed once, too.
      yield* ask(yield* newKey(site), "Anybody?", "")
      assert.sameDeepMembers(yield* sendAll(site), [
        ["all", ["Anybody?", true]],
        ["default", ["Anybody?", true]]
      ])
    })
  )

  it.effect("a conversation is mailed again if it gets no answer more than an hour after it was mailed", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* add(site, { conversations: "all" }, "all@example.com")
      const key = yield* newKey(site)
      yield* ask(key, "When do you open?", "At nine.")
      assert.lengthOf(yield* sendAll(site), 1)
      yield* later(hourMillis - 60_000)(ask(key, "And close?", ""))
      assert.deepStrictEqual(yield* sendAll(site), [])
      yield* ask(key, "And close?", "At five.")
      yield* later(hourMillis + 60_000)(ask(key, "Are you there?", ""))
      assert.deepStrictEqual(yield* sendAll(site), [["all", ["When do you open?", true]]])
    })
  )

  it.effect("a digest has the submissions and the conversations of its time, and counts both", () =>
    Effect.gen(function* () {
      const [site, other] = [yield* newSite, yield* newSite]
      const notification = yield* add(site, { digest: "15m", conversations: "all" })
      const id = yield* submit(site)
      const { instanceId } = yield* newKey(site)
      for (let number = 1; number <= 27; number++) {
        const key = { instanceId, conversationId: ConversationId.make(randomUUID()) }
        yield* later(number)(beginAnswer(key, `Question ${number}`))
      }
      yield* beginAnswer(yield* newKey(other), "Elsewhere")
      yield* makeAll()
      assert.deepStrictEqual(yield* leaseFor(notification), [])
      yield* makeAll((yield* Clock.currentTimeMillis) + hourMillis)
      const [mail, ...others] = yield* leaseFor(notification)
      assert.deepStrictEqual(others, [])
      if (mail?.subject.kind !== "submissions") return assert.fail("there is no mail")
      const { conversations, count } = mail.subject
      assert.deepStrictEqual([idsOf(mail), count, conversations.count], [[id], 1, 27])
      assert.deepStrictEqual(
        conversations.shown.map(({ question }) => question),
        Array.from({ length: 25 }, (_, index) => `Question ${index + 1}`)
      )
    })
  )

  it.effect("a conversation that was deleted is in no mail, and begins anew with the same id", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      const notification = yield* add(site, { digest: "15m", conversations: "all" })
      const remove = (key: Parameters<typeof ask>[0]) => ConversationStore.use((store) => store.delete("all", key))
      const due = (yield* Clock.currentTimeMillis) + hourMillis
      const [unsent, waiting, made] = [yield* newKey(site), yield* newKey(site), yield* newKey(site)]
      yield* ask(made, "Made", "")
      yield* makeAll(due)
      assert.isTrue(yield* remove(made))
      const [mail] = yield* leaseFor(notification)
      assert.deepStrictEqual(mail && [mail.subject.kind, conversationsOf(mail)], ["submissions", []])
      yield* ask(waiting, "Waiting", "")
      yield* makeAll()
      assert.isTrue(yield* remove(waiting))
      yield* ask(unsent, "Unsent", "")
      assert.isTrue(yield* remove(unsent))
      yield* makeAll(due)
      assert.deepStrictEqual(yield* leaseFor(notification), [])
      yield* ask(made, "Again", "")
      yield* makeAll(due)
      assert.deepStrictEqual((yield* leaseFor(notification)).map(conversationsOf), [[["Again", true]]])
    })
  )
}
