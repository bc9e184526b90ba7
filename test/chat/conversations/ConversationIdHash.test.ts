import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ConversationId from "../../../src/chat/conversations/ConversationId.ts"

const Inputs = Schema.Struct({
  key: Schema.Literals([1, 2]),
  purpose: Schema.Literals(["client", "session", "turns"]),
  instanceId: Schema.Literals(["a", "b", "a\nb"]),
  id: Schema.Literals(["a", "b", "b\na", "x".repeat(10_000), "\ud800"])
})

const hash = ({ id, instanceId, key, purpose }: typeof Inputs.Type): string => {
  const secret = ConversationId.keyOf(new Uint8Array(32).fill(key))
  switch (purpose) {
    case "client":
      return ConversationId.ofClientId(secret, instanceId, id)
    case "session":
      return ConversationId.session(secret, instanceId, id)
    case "turns":
      return ConversationId.ofClientConversation(secret, instanceId, id, id)
  }
}

it.prop("a hash has 64 hexadecimal digits, and is equal only for equal inputs", [Inputs, Inputs], ([one, other]) => {
  assert.match(hash(one), /^[0-9a-f]{64}$/)
  assert.strictEqual(hash(one) === hash(other), JSON.stringify(one) === JSON.stringify(other))
})
