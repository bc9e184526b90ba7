/**
 * What the console's settings show of changes that fail, arrive late, or would lose something.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Webhooks } from "../../../src/services/delivery/Webhooks.ts"
import { inChromium } from "../../support/browser/Browser.ts"
import * as ConsolePage from "../../support/console/ConsolePage.ts"
import * as SetUpData from "../../support/console/SetUpData.ts"
import * as SetUpPage from "../../support/console/SetUpPage.ts"

inChromium(
  "failures in the console's settings",
  Layer.provideMerge(ConsolePage.SharedOwner.layer, SetUpData.layer),
  (it) => {
    it.effect("settings that were edited while others were being saved are not shown as saved", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* SetUpPage.show(fresh, "website")
        const answer = Promise.withResolvers<void>()
        const address = `**/sites/${fresh.websiteConfigId}`
        yield* on(async () => {
          await page.route(address, async (route) => {
            if (route.request().method() === "PATCH") await answer.promise
            await route.continue()
          })
          await page.getByLabel("Name").fill("First")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByLabel("Name").fill("Second")
          answer.resolve()
          await page.locator("button:enabled", { hasText: /^Save$/ }).waitFor()
        })
        yield* loaded
        assert.strictEqual(yield* on(() => page.getByText("Saved.").count()), 0)
        yield* on(() => page.getByRole("button", { name: "Save" }).click())
        yield* on(() => page.getByText("Saved.").waitFor())
        yield* on(() => page.unroute(address))
      })
    )

    it.effect("a webhook that is disabled says so, and why it cannot be enabled", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const webhooks = yield* Webhooks
        const { websiteConfigId } = fresh
        yield* webhooks.create({ websiteConfigId, url: "https://192.0.3.1/", events: [], format: "standard" })
        const { on, page } = yield* SetUpPage.show(fresh, "webhooks")
        const choose = async (action: string) => {
          await page.getByRole("button", { name: /^More for/ }).click()
          await page.getByRole("menuitemradio", { name: action }).click()
        }
        yield* on(async () => {
          await choose("Disable")
          await page.getByText(/^Disabled /).waitFor()
          await page.route("**/webhooks/*", (route) =>
            route.fulfill({ status: 429, headers: { "retry-after": "3600" }, json: { detail: "over the limit" } })
          )
          await choose("Enable")
          await page.getByText(/^Disabled .* A limit is reached. Try again in 60 minutes.$/).waitFor()
          await page.unroute("**/webhooks/*")
        })
      })
    )

    it.effect("the rules of a field are not replaced by another row for it", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(busy, "forms")
        yield* on(async () => {
          await page.getByRole("button", { name: "Edit" }).click()
          await page.getByRole("button", { name: "Add a field" }).click()
          await page.getByLabel("Field", { exact: true }).last().fill("name")
          await page.getByText("Another row has the rules of this field.").waitFor()
        })
        assert.isTrue(yield* on(() => page.getByRole("button", { name: "Save" }).isDisabled()))
        yield* on(async () => {
          await page.getByLabel("Field", { exact: true }).last().fill("phone")
          await page.locator("button:enabled", { hasText: /^Save$/ }).waitFor()
          await page.keyboard.press("Escape")
        })
      })
    )
  }
)
