/**
 * What every command prints with `--json` in a user's day, against one golden for each command. The commands share a process.
 * `test/cli/Texts.test.ts` holds what they print to people. After an intended change, `npx vitest run test/outside/commands -u` rewrites the goldens.
 *
 * Imports nothing of `src`.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { expect } from "vitest"
import * as Command from "../Command.ts"
import { Day, layer as day } from "./Day.ts"

layer(day(Command.run, "json"), { excludeTestServices: true, timeout: "5 minutes" })("commands", (it) => {
  it.effect("every command has a case", () =>
    Effect.gen(function* () {
      const { names, transcript } = yield* Day
      assert.isAtLeast(names.length, 50)
      assert.sameMembers(
        transcript.texts.map(([command]) => command),
        [...names]
      )
    })
  )

  it.effect("a command in a process of its own prints and exits as in the process that the others share", () =>
    Effect.gen(function* () {
      for (const args of [
        ["site", "--help"],
        ["site", "list", "--json"],
        ["site", "lists"]
      ]) {
        assert.deepStrictEqual(yield* Command.start(args, {}), yield* Command.run(args, {}))
      }
    })
  )

  it.effect("every command prints what its golden says", () =>
    Effect.gen(function* () {
      const { transcript } = yield* Day
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
