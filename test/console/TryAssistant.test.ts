/**
 * What an owner sees of an assistant that does not answer, and how form rules that rows cannot show are changed.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import type * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentRefused } from "../../src/chat/AgentStream.ts"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as SetUpData from "../support/console/SetUpData.ts"
import * as SetUpPage from "../support/console/SetUpPage.ts"
import { onFewConnections as testServer } from "../support/TestServer.ts"
import * as TestTime from "../support/TestTime.ts"

const refusing: ScriptedAgent.Script = () => Stream.fail(new AgentRefused({ reason: "it answered 401", status: 401 }))

const layer = Layer.effect(
  ConsolePage.Websites,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const busy = yield* directory.create({ name: "Fjordlight Kayaks", origins: [] })
    yield* SetUpData.store(busy.websiteConfigId)
    return { busy, fresh: busy }
  })
).pipe(Layer.provideMerge(testServer({}, refusing)), Layer.provideMerge(TestTime.layer), Layer.orDie)

inChromium("console settings", Layer.provideMerge(ConsolePage.SharedOwner.layer, layer), (it) => {
  it.effect("an assistant that does not answer says why, and what to do", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const options = { colorScheme: "dark", viewport: { width: 360, height: 740 } } as const
      const { on, page } = yield* SetUpPage.show(busy, "assistants", options)
      yield* on(async () => {
        const dialog = page.getByRole("dialog")
        await page.getByRole("button", { name: "Try" }).click()
        await page.getByLabel("Question").fill("")
        await page.getByRole("button", { name: "Ask" }).click()
        await page.getByText("A text of 1 to 2000 characters is expected.").waitFor()
        await page.getByLabel("Question").fill("When are you open?")
        await page.getByRole("button", { name: "Ask" }).click()
        await page.getByText("It refuses the key (status 401).").waitFor()
        await dialog.locator("button:focus", { hasText: "Ask" }).waitFor()
        await page.getByText("Enter a valid key under More, Edit.").waitFor()
      })
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "dialog")), [])
      yield* on(() => page.keyboard.press("Escape"))
    })
  )

  it.effect("a local agent is refused with the command that can set it", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* SetUpPage.show(busy, "assistants", { viewport: { width: 390, height: 844 } })
      yield* on(async () => {
        await page.getByRole("button", { name: "New assistant" }).click()
        await page.getByLabel("Name", { exact: true }).fill("Local")
        await page.getByLabel("Address of the agent").fill("http://localhost:11434")
        await page.getByRole("dialog").getByRole("button", { name: "Create" }).click()
        await page.getByText(`hydracore instance create --site ${busy.websiteConfigId}`).waitFor()
      })
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "dialog")), [])
      const overflow = "document.querySelector('dialog').scrollWidth - document.querySelector('dialog').clientWidth"
      assert.strictEqual(yield* on(() => page.evaluate<number>(overflow)), 0)
    })
  )

  it.effect("form rules that rows cannot show are changed as JSON", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const forms = yield* FormDirectory
      const rules = { code: { one_of: ["a1", "b2"], pattern: "[a-z][0-9]" } }
      yield* forms.put({ websiteConfigId: busy.websiteConfigId, page: "coupon", rules })
      const { on, page } = yield* SetUpPage.show(busy, "forms")
      const save = () => page.getByRole("button", { name: "Save" }).click()
      yield* on(async () => {
        await page.getByRole("listitem").filter({ hasText: "coupon" }).getByRole("button", { name: "Edit" }).click()
        const text = page.getByLabel("Rules, as JSON")
        await text.fill("{")
        await save()
        await page.getByText("This is not JSON.").waitFor()
        await text.fill('{"code": {"one_of": 5}}')
        await save()
        await page.getByText(/^rules\.code/).waitFor()
        await text.fill(JSON.stringify({ code: { ...rules.code, required: true } }))
        await save()
        await page.getByRole("dialog").waitFor({ state: "detached" })
      })
      const changed = (yield* forms.list(busy.websiteConfigId)).find(({ page }) => page === "coupon")
      assert.deepStrictEqual(changed?.rules, { code: { ...rules.code, required: true } })
    })
  )
})
