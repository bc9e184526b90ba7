/**
 * Pages of the console that have nothing to show yet: what a person does first, and the command that does the same.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as ConversationData from "../support/console/ConversationData.ts"
import { run } from "../support/TestCli.ts"
import { onPostgres } from "../support/TestStorage.ts"

/** The step of each page of a new website, and the command behind it. */
const steps: Readonly<Record<string, readonly [step: string, command: RegExp]>> = {
  overview: ["Show the tag", /^hydracore site snippet --site \S+ --base-url http/],
  live: ["Show the tag", /^hydracore site snippet --site \S+ --base-url http/],
  inbox: ["Show the form", /^hydracore site snippet --site \S+ --base-url http/],
  conversations: ["Connect an assistant", /^hydracore instance create --site \S+ --name/],
  "setup/assistants": ["New assistant", /^hydracore instance create --site \S+ --name/],
  "setup/forms": ["New rules", /^hydracore form create --site \S+ --page/],
  "setup/goals": ["New goal", /^hydracore goal create --site \S+ --page/],
  "setup/webhooks": ["New webhook", /^hydracore webhook create --site \S+ --url/],
  "setup/keys": ["New key", /^hydracore key issue --site \S+ --scope/],
  sharing: ["Invite a person", /^hydracore person invite --site \S+ --email/]
}

/** The flags of a command that `--help` does not list. */
const unknownFlags = Effect.fnUntraced(function* (command: string) {
  const [, ...words] = command.split(" ")
  const first = words.findIndex((word) => word.startsWith("--"))
  const { code, stdout } = yield* run([...words.slice(0, first), "--help"], onPostgres)
  assert.strictEqual(code, 0, command)
  return words.filter((word) => word.startsWith("--") && !stdout.includes(`${word} `))
})

/** The middle of a box, in pixels from the left of the window. */
const middleOf = (box: { readonly x: number; readonly width: number } | null): number =>
  box === null ? Number.NaN : box.x + box.width / 2

const layer = Layer.provideMerge(ConsolePage.SharedOwner.layer, ConsolePage.layerOfTwoDays)

inChromium("the console's empty pages", layer, (it) => {
  it.effect("have one step in the middle, and the command that does the same", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const commands = new Set<string>()
      for (const [name, [step, expected]] of Object.entries(steps)) {
        const { on, page } = yield* ConsolePage.show(`#/${fresh.websiteConfigId}/${name}`)
        const box = page.locator(".message, .first-step").filter({ hasText: step }).first()
        yield* on(() => box.waitFor())
        assert.strictEqual(yield* on(() => box.locator(".primary").count()), 1, name)
        yield* on(() => box.getByText("or on the command line").click())
        const command = (yield* on(() => box.locator(".snippet code").textContent())) ?? ""
        assert.match(command, expected, name)
        commands.add(command)
        const [button, whole] = yield* on(() => Promise.all([box.locator(".primary").boundingBox(), box.boundingBox()]))
        assert.closeTo(middleOf(button), middleOf(whole), 2, name)
      }
      for (const command of commands) assert.deepStrictEqual(yield* unknownFlags(command), [], command)
    })
  )

  it.effect("of an assistant without conversations show the tag of its chat", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const instance = yield* ConversationData.newInstance(fresh.websiteConfigId, "Guide")
      const { on, page } = yield* ConsolePage.open(`#/${fresh.websiteConfigId}/conversations`)
      yield* on(() => page.getByRole("link", { name: "Show the tag of the chat" }).waitFor())
      yield* on(() => page.getByText("or on the command line").click())
      const command = (yield* on(() => page.locator(".snippet code").textContent())) ?? ""
      assert.match(command, new RegExp(`^hydracore site snippet .* --instance ${instance} --issue-token$`))
      assert.deepStrictEqual(yield* unknownFlags(command), [])
    })
  )
})
