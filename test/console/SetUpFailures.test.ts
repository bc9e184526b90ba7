/**
 * What the console's settings show of changes that fail, arrive late, or would lose something.
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as SetUpData from "../support/console/SetUpData.ts"
import * as SetUpPage from "../support/console/SetUpPage.ts"

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

    it.effect("settings that were changed elsewhere are not replaced by older ones from the cache", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(fresh, "website")
        yield* on(() => page.getByLabel("Name").waitFor())
        yield* SetUpPage.show(fresh, "webhooks")
        const change = {
          method: "PATCH",
          headers: { "content-type": "application/json" },
          body: '{"name":"Elsewhere"}'
        }
        yield* on(() =>
          page.evaluate(`fetch("/v1/owner/sites/${fresh.websiteConfigId}", ${JSON.stringify(change)}).then(() => {})`)
        )
        yield* SetUpPage.show(fresh, "website")
        assert.strictEqual(yield* on(() => page.getByLabel("Name").inputValue()), "Elsewhere")
      })
    )

    it.effect(
      "a webhook shows the result of the last test only, that it is disabled, and why it cannot be enabled",
      () =>
        Effect.gen(function* () {
          const { fresh } = yield* ConsolePage.Websites
          const webhooks = yield* Webhooks
          const { websiteConfigId } = fresh
          yield* webhooks.create(websiteConfigId, { url: "https://192.0.3.1/", events: [], format: "standard" })
          const { on, page } = yield* SetUpPage.show(fresh, "webhooks")
          const choose = async (action: string) => {
            await page.getByRole("button", { name: /^More for/ }).click()
            await page.getByRole("menuitemradio", { name: action }).click()
          }
          const delivered = page.getByText("It answered 200 in 5 ms.")
          const test = async (answer: object) => {
            await page.route("**/webhooks/*/test", (route) => route.fulfill(answer), { times: 1 })
            await page.getByRole("button", { name: "Test" }).click()
          }
          yield* on(async () => {
            await test({ json: { delivered: true, error: null, millis: 5, status: 200 } })
            await delivered.waitFor()
            await test({ status: 500, json: {} })
            await page.getByText(/^The service has failed/).waitFor()
          })
          assert.strictEqual(yield* on(() => delivered.count()), 0)
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

    it.effect("an assistant whose tokens cannot be loaded says so, and loads them again", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        // Another section first: the page may still show the tokens, and would not load them again.
        const { on, page } = yield* SetUpPage.show(busy, "goals")
        const tokens = "**/tokens?*"
        yield* on(() => page.route(tokens, (route) => route.fulfill({ status: 500, json: { detail: "" } })))
        yield* SetUpPage.show(busy, "assistants")
        const assistant = page.locator(".assistant").first()
        const add = assistant.getByRole("button", { name: "Issue a token" })
        yield* on(() => assistant.getByText("The service has failed.").waitFor())
        assert.strictEqual(yield* on(() => add.count()), 0)
        yield* on(async () => {
          await page.unroute(tokens)
          await assistant.getByRole("button", { name: "Try again" }).click()
          await add.waitFor()
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

    it.effect("the result of an export or a deletion is not shown beside another address", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { loaded, on, page } = yield* SetUpPage.show(busy, "data")
        const answer = Promise.withResolvers<void>()
        yield* on(async () => {
          await page.route("**/person/export", async (route) => {
            await answer.promise
            await route.continue()
          })
          await page.getByLabel("Email address").fill("nobody@example.com")
          await page.getByRole("button", { name: "Export", exact: true }).click()
          await page.getByLabel("Email address").fill("ann@example.com")
          const answered = page.waitForResponse("**/person/export")
          answer.resolve()
          await (await answered).finished()
          await page.locator("button[aria-disabled=false]", { hasText: /^Export$/ }).waitFor()
        })
        yield* loaded
        const nothing = page.getByText("Nothing is stored about this address.")
        assert.strictEqual(yield* on(() => nothing.count()), 0)
        // The dialog opens for an address with records only.
        const records = `${JSON.stringify({ kind: "submission" })}\n`
        yield* on(() => page.unroute("**/person/export"))
        yield* on(() => page.route("**/person/export", (route) => route.fulfill({ body: records })))
        const erasure = Promise.withResolvers<void>()
        yield* on(async () => {
          await page.route("**/person/erase", (route) => erasure.promise.then(() => route.continue()), { times: 1 })
          const dialog = page.getByRole("dialog")
          await page.getByLabel("Email address").fill("nobody@example.com")
          await page.getByRole("button", { name: "Delete", exact: true }).click()
          await dialog.getByRole("button", { name: "Delete" }).click()
          await page.keyboard.press("Escape")
          await page.getByLabel("Email address").fill("ann@example.com")
          await page.getByRole("button", { name: "Delete", exact: true }).click()
          const answered = page.waitForResponse("**/person/erase")
          erasure.resolve()
          await (await answered).finished()
        })
        yield* loaded
        assert.strictEqual(yield* on(() => nothing.count()), 0)
        // The dialog about the second address is still open.
        yield* on(() => page.getByRole("heading", { name: "ann@example.com" }).waitFor())
        yield* on(() => page.keyboard.press("Escape"))
        yield* on(() => page.getByLabel("Email address").fill("nobody@example.com"))
        yield* on(() => nothing.waitFor())
      })
    )
  }
)
