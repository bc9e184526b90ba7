import { createSecretKey } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Question from "../../src/chat/Question.ts"
import * as Id from "../../src/platform/Id.ts"
import { isCanonicalUuid } from "../../src/platform/Id.ts"

const hashKey = createSecretKey(new Uint8Array(32).fill(7))
const fresh = "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e"

const Instance = Schema.Struct({
  instance_id: Schema.Literals(
    ["5b0c7f0e-3d5e-4f57-8f3a-000000000001", "5b0c7f0e-3d5e-4f57-8f3a-000000000002"].map((id) => Id.InstanceId.make(id))
  ),
  memory: Schema.Literals(["edge", "agent"]),
  conversation_ids: Schema.Literals(["service", "client"])
})

const RequestedId = Schema.UndefinedOr(
  Schema.Literals(["", "short", "an id of 16 characters or more", "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63"])
)

const Client = Schema.NullOr(Schema.Struct({ origin: Schema.Literals(["one", "two"]), isResumable: Schema.Boolean }))

describe("chat/Question", () => {
  it.prop(
    "only an unguessable id is a key, and only if the edge stores conversations",
    [Instance, RequestedId, Client],
    ([instance, requestedId, client]) => {
      const { conversationId, isKey, session, storedId } = Question.identify(
        instance,
        requestedId,
        fresh,
        hashKey,
        client
      )
      assert.strictEqual(conversationId, requestedId || fresh)
      const isUnguessable =
        client?.isResumable !== false &&
        (isCanonicalUuid(conversationId) || (instance.conversation_ids === "client" && conversationId.length >= 16))
      assert.strictEqual(isKey, instance.memory === "edge" && isUnguessable)
      // A conversation with any other id is stored only if its client sends the messages.
      assert.strictEqual(storedId !== null, instance.memory === "edge" && (isUnguessable || client !== null))
      const hasSession =
        instance.memory === "edge" ? isUnguessable : client?.isResumable !== false || Boolean(requestedId)
      assert.strictEqual(session !== null, hasSession)
      // No request can name a conversation that is stored for the owner only.
      if (storedId !== null && !isKey) {
        assert.notStrictEqual(Question.identify(instance, storedId, fresh, hashKey).storedId, storedId)
      }
    }
  )

  it.prop(
    "two conversations that only the owner can read have the same stored id exactly if instance, id and origin are the same",
    [Instance, RequestedId, Client, Instance, RequestedId, Client],
    ([instance, requestedId, client, other, otherRequestedId, otherClient]) => {
      const one = Question.identify(instance, requestedId, fresh, hashKey, client)
      const two = Question.identify(other, otherRequestedId, fresh, hashKey, otherClient)
      if (one.storedId === null || two.storedId === null || one.isKey || two.isKey) return
      const isSame =
        instance.instance_id === other.instance_id &&
        one.conversationId === two.conversationId &&
        client?.origin === otherClient?.origin
      assert.strictEqual(one.storedId === two.storedId, isSame)
    }
  )
})
