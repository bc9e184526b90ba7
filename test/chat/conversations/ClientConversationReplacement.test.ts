import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClientConversation from "../../../src/chat/conversations/ClientConversation.ts"
import type { Message } from "../../../src/chat/conversations/Conversation.ts"
import { MessageId } from "../../../src/platform/Id.ts"
import { id } from "../../support/Ids.ts"

/** The id of the stored message with this name. */
const idOf = (name: string) => id(MessageId, name)

/** A stored conversation of messages and their answers. */
const pairs = (texts: ReadonlyArray<string>): ReadonlyArray<Message> =>
  texts.flatMap((text, index): ReadonlyArray<Message> => {
    const parts = [{ type: "text", text } as const]
    const answer = { createdAt: 0, ending: "stop", rating: null, comment: null } as const
    return [
      { messageId: idOf(`user ${index}`), clientId: `client ${index}`, role: "user", parts, createdAt: 0 },
      { messageId: idOf(`answer ${index}`), role: "assistant", parts, ...answer }
    ]
  })

/** The conversation of a client, up to a message. */
const conversationTo = (texts: ReadonlyArray<string>, index: number, message: { id: string; text: string }) =>
  ClientConversation.read([
    ...texts.slice(0, index).flatMap((text, at) => [
      { id: `client ${at}`, role: "user", text },
      { id: idOf(`answer ${at}`), role: "assistant", text }
    ]),
    { ...message, role: "user" }
  ])!

/** The conversation of a client that sends only this message. */
const withoutHistory = (message: { id: string; text: string }) => conversationTo([], 0, message)

const Texts = Schema.Array(Schema.Literals(["one", "two"])).check(Schema.isMinLength(1), Schema.isMaxLength(5))
const Chosen = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))

/** The id of a message: the one that its client gave it, or the stored one. */
const targetOf = (prefix: "client" | "user" | "answer", index: number): string =>
  prefix === "client" ? `client ${index}` : idOf(`${prefix} ${index}`)

const nothing: ClientConversation.Replaced = { _tag: "Nothing" }

describe("chat/conversations/ClientConversation: what a message replaces", () => {
  it.prop(
    "a message that names an earlier message replaces it, whether or not the client sends what came before",
    [Texts, Chosen, Schema.Literals(["client", "user"])],
    ([texts, chosen, idPrefix]) => {
      const index = chosen % texts.length
      const targetId = targetOf(idPrefix, index)
      const edited = { id: "new", text: "edited" }
      for (const conversation of [conversationTo(texts, index, edited), withoutHistory(edited)]) {
        for (const isKnownComplete of [true, false]) {
          const request: ClientConversation.ClientRequest = { kind: "new", targetId, conversation, isKnownComplete }
          assert.deepStrictEqual(ClientConversation.replaced(pairs(texts), request), {
            _tag: "From",
            messageId: idOf(`user ${index}`)
          })
        }
      }
    }
  )

  it.prop(
    "a regenerated answer replaces all that follows its message, and the message too if its text has changed",
    [Texts, Chosen, Schema.NullOr(Schema.Literals(["client", "user", "answer"]))],
    ([texts, chosen, idPrefix]) => {
      const index = chosen % texts.length
      // Without a target, the request identifies the message by sending it again.
      const targetId = idPrefix === null ? null : targetOf(idPrefix, index)
      const same = { id: `client ${index}`, text: texts[index]! }
      for (const conversation of [conversationTo(texts, index, same), withoutHistory(same)]) {
        const request: ClientConversation.ClientRequest = {
          kind: "regenerate",
          targetId,
          conversation,
          isKnownComplete: false
        }
        assert.deepStrictEqual(ClientConversation.replaced(pairs(texts), request), {
          _tag: "After",
          messageId: idOf(`user ${index}`)
        })
        const changed = { ...request, conversation: { ...conversation, message: "changed" } }
        assert.deepStrictEqual(ClientConversation.replaced(pairs(texts), changed), {
          _tag: "From",
          messageId: idOf(`user ${index}`)
        })
      }
    }
  )

  it.prop(
    "a message without a target replaces all that follows the last answer that its client has",
    [Texts, Chosen],
    ([texts, chosen]) => {
      const index = chosen % (texts.length + 1)
      const request = (isKnownComplete: boolean): ClientConversation.ClientRequest => ({
        kind: "new",
        targetId: null,
        conversation: conversationTo(texts, index, { id: "new", text: "edited" }),
        isKnownComplete
      })
      const expected = index === texts.length ? nothing : { _tag: "From", messageId: idOf(`user ${index}`) }
      assert.deepStrictEqual(ClientConversation.replaced(pairs(texts), request(true)), expected)
      // At index 0 there is no history. Nothing is replaced, because this client may be one that never sends its history.
      assert.deepStrictEqual(
        ClientConversation.replaced(pairs(texts), request(false)),
        index === 0 ? nothing : expected
      )
    }
  )

  it("a message whose target is itself, an answer or unknown is a new message", () => {
    const stored = pairs(["one", "two"])
    for (const targetId of ["new", idOf("answer 0"), "elsewhere", ""]) {
      const conversation = withoutHistory({ id: "new", text: "three" })
      assert.deepStrictEqual(
        ClientConversation.replaced(stored, { kind: "new", targetId, conversation, isKnownComplete: false }),
        nothing
      )
    }
  })

  it("a regenerated message that is not stored is a new message, unless it has the text of the last message", () => {
    const stored = pairs(["one", "two"])
    const regenerate = (text: string) =>
      ClientConversation.replaced(stored, {
        kind: "regenerate",
        targetId: null,
        conversation: withoutHistory({ id: "elsewhere", text }),
        isKnownComplete: false
      })
    assert.deepStrictEqual(regenerate("two"), { _tag: "After", messageId: idOf("user 1") })
    assert.deepStrictEqual(regenerate("one"), nothing)
    const request = {
      kind: "regenerate",
      targetId: null,
      conversation: withoutHistory({ id: "a", text: "one" }),
      isKnownComplete: true
    } as const
    assert.deepStrictEqual(ClientConversation.replaced([], request), nothing)
  })

  it("indexOfAnswered is -1 for an answer without a message before it", () => {
    const [, answer] = pairs(["one"])
    assert.strictEqual(ClientConversation.indexOfAnswered([answer!], "answer 0"), -1)
  })
})
