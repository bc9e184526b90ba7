import { createSecretKey } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Question from "../../src/chat/Question.ts"

const Inputs = Schema.Struct({
  key: Schema.Literals([1, 2]),
  purpose: Schema.Literals(["client", "session", "turns"]),
  instanceId: Schema.Literals(["a", "b", "a\nb"]),
  id: Schema.Literals(["a", "b", "b\na", "x".repeat(10_000), "\ud800"])
})

const hash = ({ id, instanceId, key, purpose }: typeof Inputs.Type): string => {
  const secret = createSecretKey(new Uint8Array(32).fill(key))
  switch (purpose) {
    case "client":
      return Question.ofClientId(secret, instanceId, id)
    case "session":
      return Question.session(secret, instanceId, id)
    case "turns":
      return Question.ofClientConversation(secret, instanceId, id, id)
  }
}

it.prop("a hash has 64 hexadecimal digits, and is equal only for equal inputs", [Inputs, Inputs], ([one, other]) => {
  assert.match(hash(one), /^[0-9a-f]{64}$/)
  assert.strictEqual(hash(one) === hash(other), JSON.stringify(one) === JSON.stringify(other))
})
