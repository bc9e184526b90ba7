import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Pages from "../../../src/cli/client/Pages.ts"

it.effect("cli/client/Pages: a list whose next part cannot be asked for fails instead of ending", () =>
  Effect.gen(function* () {
    const read = () => Effect.succeed({ goals: ["a"], next: "of another version" })
    const failure = yield* Effect.flip(Pages.all("goals", read))
    assert.include(failure.message, "lists of another version")
  })
)
