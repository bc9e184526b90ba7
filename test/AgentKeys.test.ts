import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, Redacted } from "effect"
import * as App from "../src/App.ts"

it.effect("an agent's key has no white space around it, and a variable with nothing else is not set", () =>
  Effect.gen(function* () {
    const env = { WITH_LINE_BREAK: "sk-1\n", BLANK: " \n" }
    const keyOf = (variable: string) =>
      Effect.provideService(App.keyOf(variable), ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
    assert.strictEqual(Option.getOrThrow(Option.map(yield* keyOf("WITH_LINE_BREAK"), Redacted.value)), "sk-1")
    assert.isTrue(Option.isNone(yield* keyOf("BLANK")))
    assert.isTrue(Option.isNone(yield* keyOf("ABSENT")))
  })
)
