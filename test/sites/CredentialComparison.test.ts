/**
 * Tokens and keys are compared in constant time. The tests check the code path rather than a clock: `timingSafeEqual` compared
 * each accepted token and key, as two whole digests of the same length.
 */
import crypto from "node:crypto"
import { syncBuiltinESMExports } from "node:module"
import { afterAll, assert, beforeEach, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { vi } from "vitest"
import { InstanceDirectory as Directory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import { digest, sameDigest } from "../../src/sites/access/Credential.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { postgres } from "../support/Storages.ts"

const timingSafeEqual = vi.spyOn(crypto, "timingSafeEqual")
// Modules that import the function by its name call the spy from here on.
syncBuiltinESMExports()

afterAll(() => {
  timingSafeEqual.mockRestore()
  syncBuiltinESMExports()
})

beforeEach(() => void timingSafeEqual.mockClear())

/** The lengths of the digests that each call compared. */
const compared = () => timingSafeEqual.mock.calls.map(([left, right]) => [left.byteLength, right.byteLength])

it("two digests are compared by timingSafeEqual wherever they differ", () => {
  const one = digest("hwt_a")
  assert.isTrue(sameDigest(one, digest("hwt_a")))
  for (const at of [0, 15, 31]) {
    const other = Uint8Array.from(one, (byte, index) => (index === at ? byte ^ 1 : byte))
    assert.isFalse(sameDigest(one, other))
  }
  assert.deepStrictEqual(
    compared(),
    Array.from({ length: 4 }, () => [32, 32])
  )
  assert.isFalse(sameDigest(one, one.subarray(1)))
  assert.lengthOf(compared(), 4)
})

it.effect("an accepted token was compared with its stored digest in constant time", () =>
  Effect.gen(function* () {
    const tokens = yield* WidgetTokens
    const instance = yield* Directory.use((instances) =>
      instances.create({ name: "a", agent_url: "http://a", agent_model: null, agent_key_env: null, origins: [] })
    )
    const request = { reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null } as const
    const { token } = Option.getOrThrow(yield* tokens.issue(request))
    assert.isTrue(Option.isSome(yield* tokens.authenticate(instance.instance_id, token)))
    assert.deepStrictEqual(compared(), [[32, 32]])
  }).pipe(Effect.provide(postgres()))
)

it.effect("an accepted owner key was compared with its stored digest in constant time", () =>
  Effect.gen(function* () {
    const keys = yield* OwnerKeys
    const request = { scope: "stats", sites: "all", label: null, expiresAt: null } as const
    const { key } = Option.getOrThrow(yield* keys.issue(request))
    assert.isTrue(Option.isSome(yield* keys.authenticate(key)))
    assert.deepStrictEqual(compared(), [[32, 32]])
  }).pipe(Effect.provide(postgres()))
)
