/**
 * What every command prints to people in a user's day, against one golden for each command. It is the day of `test/outside/commands`,
 * whose commands run in this process. After an intended change, `npx vitest run test/cli/Texts.test.ts -u` rewrites the goldens.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { expect } from "vitest"
import { Day, layer as day } from "../outside/commands/Day.ts"
import * as Command from "../support/Command.ts"

layer(day(Command.run, "text"), { excludeTestServices: true, timeout: "5 minutes" })("commands", (it) => {
  it.effect("every command prints what its golden says", () =>
    Effect.gen(function* () {
      const { transcript } = yield* Day
      assert.isAtLeast(transcript.texts.length, 40)
      yield* Effect.promise(async () => {
        for (const [command, text] of transcript.texts) {
          // Another server may have other settings than the one that the tests start.
          if (command === "doctor" && process.env["TEST_DATABASE_URL"] !== undefined) continue
          await expect.soft(text).toMatchFileSnapshot(`goldens/${command.replaceAll(" ", "-")}.txt`)
        }
      })
    })
  )
})
