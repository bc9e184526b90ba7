/**
 * The settings of a website: what an owner and a viewer see of them. Also the inbox of the same website.
 */
import { setTimeout } from "node:timers/promises"
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { Goals } from "../../src/analytics/Goal.ts"
import { limits } from "../../src/chat/InstanceInput.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import type { Site } from "../../src/sites/Site.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as SetUpData from "../support/console/SetUpData.ts"
import * as SetUpPage from "../support/console/SetUpPage.ts"

inChromium("the console's settings", Layer.provideMerge(ConsolePage.SharedOwner.layer, SetUpData.layer), (it) => {
  for (const colorScheme of ["light", "dark"] as const) {
    it.effect(`have no accessibility violations in ${colorScheme} mode, and nothing scrolls sideways`, () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const width = colorScheme === "light" ? 1280 : 360
        const { loaded, on, page } = yield* SetUpPage.show(busy, "install", {
          colorScheme,
          viewport: { width, height: 800 }
        })
        const assertClean = Effect.fnUntraced(function* (state: string, part: "html" | "main" | "dialog" = "main") {
          yield* loaded
          assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, part)), [], state)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, state)
        })
        const show = (site: Site, section: string) =>
          on(() => page.evaluate(`location.hash = ${JSON.stringify(`#/${site.websiteConfigId}/setup/${section}`)}`))
        for (const section of SetUpPage.sections) {
          yield* show(busy, section)
          // What is around the section is the same in each.
          yield* assertClean(section, section === "install" ? "html" : "main")
        }
        yield* show(busy, "keys")
        yield* on(() => page.getByRole("button", { name: "New key" }).click())
        yield* assertClean("a form", "dialog")
        yield* on(() => page.keyboard.press("Escape"))
        yield* show(busy, "webhooks")
        yield* on(() => page.getByRole("button", { name: "Deliveries" }).last().click())
        yield* on(() => page.locator(".deliveries button").first().click())
        yield* assertClean("deliveries")
        yield* show(fresh, "webhooks")
        yield* on(() => page.getByText("No webhook yet.").waitFor())
        yield* assertClean("a new website")
      })
    )
  }

  it.effect("the open section, the one under the mouse and the others are unlike each other", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* SetUpPage.show(fresh, "goals")
      yield* loaded
      const background = (name: string) =>
        on(() =>
          page
            .getByRole("link", { name, exact: true })
            .evaluate((element) => element.ownerDocument.defaultView?.getComputedStyle(element).backgroundColor)
        )
      yield* on(() => page.getByRole("link", { name: "Forms", exact: true }).hover())
      const [hovered, open, other] = [yield* background("Forms"), yield* background("Goals"), yield* background("Data")]
      assert.strictEqual(new Set([hovered, open, other]).size, 3)
    })
  )

  it.effect("show the tag, received forms and refused origins, and wait for a first page view", () =>
    Effect.gen(function* () {
      const { busy, fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* SetUpPage.show(busy, "install")
      yield* on(() => page.getByText("The form “contact” was received").waitFor())
      yield* on(() => page.getByText("40 times: another origin").waitFor())
      const tag = page.getByText(`data-site="${busy.trackingToken}" data-local></script>`)
      yield* on(() => tag.waitFor())
      yield* on(() => page.getByText("12 times: refused by your rules").waitFor())
      yield* on(() => page.getByRole("link", { name: "Rules" }).click())
      yield* on(() => page.getByText("booking", { exact: true }).waitFor())
      yield* on(() => page.goBack())
      yield* on(() => page.getByRole("link", { name: "Origins" }).click())
      yield* on(() => page.getByLabel("Origins").waitFor())
      yield* on(() => page.evaluate(`location.hash = "#/${fresh.websiteConfigId}/setup/install"`))
      yield* on(() => page.getByText("Waiting for the first page view.").waitFor())
    })
  )

  it.effect("show deliveries with their attempts", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* SetUpPage.show(busy, "webhooks")
      yield* on(async () => {
        await page.getByRole("button", { name: "Deliveries" }).last().click()
        await page.getByRole("button", { name: /^Submission accepted Waiting 1 attempt · / }).click()
        await page.getByText("answered 503 in 1204 ms").waitFor()
        await page.getByText("try again later").waitFor()
        await page.getByRole("button", { name: "Deliver again" }).waitFor()
      })
      assert.match(
        (yield* on(() => page.getByRole("link", { name: "Open the submission" }).getAttribute("href"))) ?? "",
        /\/inbox\/[0-9a-f-]{36}$/
      )
      const name = page.locator(".deliveries button > span").first()
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* ConsolePage.withLook(page, { viewport: { width: 390, height: 844 } })
          assert.isTrue(yield* on(() => name.evaluate((span) => span.scrollWidth <= span.clientWidth)))
        })
      )
      yield* on(async () => {
        await ConsolePage.choose(page.getByLabel("Show"), "Failed")
        await page.getByText("No delivery has this status.").waitFor()
        await ConsolePage.choose(page.getByLabel("Show"), "Waiting")
        await page.getByRole("button", { name: /^Submission accepted/ }).waitFor()
      })
    })
  )

  it.effect("show a viewer no button that changes anything, and of a webhook only its host", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.open(`#/${busy.websiteConfigId}/setup/webhooks`, {}, "viewer")
      yield* loaded
      yield* on(() => page.getByText("chat.example").waitFor())
      assert.notInclude(yield* on(() => page.content()), "secret")
      assert.strictEqual(yield* on(() => page.getByRole("link", { name: "Keys" }).count()), 0)
      for (const section of SetUpPage.sections.filter((name) => name !== "keys" && name !== "install")) {
        yield* on(() => page.evaluate(`location.hash = "#/${busy.websiteConfigId}/setup/${section}"`))
        yield* loaded
        const names = yield* on(() => page.locator("main").getByRole("button").allTextContents())
        assert.deepStrictEqual(
          names.filter((name) => name !== "Deliveries" && !name.startsWith("Export")),
          [],
          section
        )
      }
    })
  )

  it.effect("the mails page shows which address waits for confirmation, and asks it again, but not too soon", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* SetUpPage.show(busy, "mails")
      const rows = yield* on(() =>
        page.locator("li", { hasText: "waits until the person opens the link" }).allInnerTexts()
      )
      assert.lengthOf(rows, 2)
      for (const row of rows) assert.include(row, "new@fjordlight.example")
      assert.include(rows[0] ?? "", "and is not sent yet")
      assert.include(rows[1] ?? "", "the confirmation link is in another mail to this address")
      const buttons = page.getByRole("button", {
        name: /^Send again: new@fjordlight.example, A (weekly|monthly) report$/
      })
      assert.strictEqual(yield* on(() => buttons.count()), 2)
      // Forgets the time of the first mail. Otherwise the next could be sent only after ten minutes.
      yield* Notifications.use((all) => all.eraseRecipient("new@fjordlight.example", busy.websiteConfigId))
      yield* on(() => buttons.last().click())
      yield* on(() => page.getByText("Another mail with a link is on its way.").waitFor())
      yield* on(() => page.locator("li", { hasText: "A monthly report" }).getByText("is not sent yet").waitFor())
      yield* on(() =>
        page
          .locator("li", { hasText: "A weekly report" })
          .getByText("the confirmation link is in another mail")
          .waitFor()
      )
      yield* on(() => buttons.last().click())
      yield* on(() => page.getByText(/^It can be sent again in \d+ (minutes|seconds)\.$/).waitFor())
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "main")), [])
      // The person confirms while the page still shows the old state.
      yield* Notifications.use((all) => all.confirm(busy.websiteConfigId, () => true))
      yield* on(() => buttons.first().click())
      yield* on(() => buttons.first().waitFor({ state: "detached" }))
      yield* on(() => page.getByRole("button", { name: "Test: new@fjordlight.example, A weekly report" }).waitFor())
    })
  )

  it.effect("a late answer closes no other form, and what was deleted elsewhere is reported as gone", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* SetUpPage.show(busy, "goals")
      const row = (name: string) => page.getByRole("listitem").filter({ hasText: name })
      const confirm = async (name: string) => {
        await row(name).getByRole("button", { name: "Delete" }).click()
        await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
      }
      const answer = Promise.withResolvers<void>()
      yield* on(async () => {
        await page.route("**/goals/*", (route) => answer.promise.then(() => route.continue()), { times: 1 })
        await confirm("Booking sent")
        await page.keyboard.press("Escape")
        await page.getByRole("button", { name: "New goal" }).click()
        await page.getByLabel("Path").fill("/typed")
        answer.resolve()
        await row("Booking sent").waitFor({ state: "detached" })
      })
      assert.strictEqual(yield* on(() => page.getByLabel("Path").count()), 1)
      assert.strictEqual(yield* on(() => page.getByLabel("Path").inputValue()), "/typed")
      // What is typed is kept at first.
      yield* on(() => page.keyboard.press("Escape"))
      assert.strictEqual(yield* on(() => page.getByLabel("Path").inputValue()), "/typed")
      yield* on(() => page.keyboard.press("Escape"))
      const goals = yield* Goals
      for (const { goal_id } of yield* goals.list(busy.websiteConfigId)) {
        yield* goals.delete(busy.websiteConfigId, goal_id)
      }
      yield* on(async () => {
        await confirm("Newsletter")
        await page.getByRole("dialog").getByText("This no longer exists").waitFor()
        await row("Newsletter").waitFor({ state: "detached" })
        await page.keyboard.press("Escape")
      })
    })
  )

  it.effect(
    "an assistant's form shows what is wrong with its limits, and does not send instructions that it hides",
    () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(busy, "assistants")
        yield* on(async () => {
          await page.getByRole("button", { name: "More for Concierge" }).click()
          await page.getByRole("menuitemradio", { name: "Edit" }).click()
          const dialog = page.getByRole("dialog")
          const moreFields = dialog.locator("summary")
          await moreFields.click()
          await dialog.getByLabel("Earlier messages sent with a question").fill("0")
          await moreFields.click()
          await dialog.getByRole("button", { name: "Save" }).click()
          await dialog.getByText("A whole number from 1 to 500 is expected.").waitFor()
          await dialog.getByLabel("Earlier messages sent with a question").fill("40")
          // Without line breaks: Chromium types each line on its own, which takes seconds for many.
          await dialog
            .locator("textarea")
            .first()
            .fill("Be kind. ".repeat(limits.instructions / 9 + 1))
          await ConsolePage.choose(dialog.getByLabel("Memory"), "The agent keeps conversations")
          await dialog.getByRole("button", { name: "Save" }).click()
          await dialog.waitFor({ state: "detached" })
        })
      })
  )

  it.effect(
    "an assistant's form stores additional fields, shows their names, and says which fields the service sets",
    () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(busy, "assistants")
        yield* on(async () => {
          const dialog = page.getByRole("dialog")
          await page.getByRole("button", { name: "New assistant" }).click()
          await dialog.getByLabel("Name").fill("Adder")
          await dialog.getByLabel("Address of the agent").fill("https://agent.example.com/v1")
          await dialog.locator("summary").click()
          const fields = dialog.getByLabel("Additional fields of requests")
          await fields.fill('{"model": "m"}')
          await dialog.getByRole("button", { name: "Create" }).click()
          await dialog.getByText("Expected an object without model, which the service sets").waitFor()
          await fields.fill('{"temperature": 0.2}')
          await dialog.getByLabel("Additional headers of requests").fill("X-Title: Shop")
          await dialog.getByRole("button", { name: "Create" }).click()
          await page.getByRole("heading", { name: "Try Adder" }).waitFor()
          await page.keyboard.press("Escape")
          await dialog.waitFor({ state: "detached" })
          await page.getByRole("button", { name: "More for Adder" }).click()
          await page.getByRole("menuitemradio", { name: "Edit" }).click()
          await dialog.locator("summary").click()
          await dialog.getByText("Stored: temperature.").waitFor()
          await dialog.getByText("Stored: x-title.").waitFor()
          await dialog.getByLabel("Send no additional headers").check()
          await dialog.getByRole("button", { name: "Save" }).click()
          await dialog.waitFor({ state: "detached" })
          await page.getByRole("button", { name: "More for Adder" }).click()
          await page.getByRole("menuitemradio", { name: "Edit" }).click()
          await dialog.locator("summary").click()
          await dialog.getByText("Stored: temperature.").waitFor()
          await dialog.getByText("One per line, such as X-Title: Shop.").waitFor()
        })
      })
  )

  it.effect(
    "the inbox shows the deliveries of a submission and their progress, and lists only the submissions of the chosen days",
    () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const now = new Date(yield* Clock.currentTimeMillis).toISOString()
        const underWay = {
          to: "kim@fjordlight.example",
          status: "pending",
          created_at: now,
          error: null
        }
        const { on, page } = yield* ConsolePage.SharedOwner
        const answers = [[], [], [underWay]]
        yield* on(() =>
          page.route("**/submissions/*/deliveries", async (route) => {
            const mails = answers.shift()
            if (mails !== undefined) return route.fulfill({ json: { webhooks: [], mails } })
            // Longer than the console waits until it asks again.
            await setTimeout(3_500)
            await route.continue()
          })
        )
        const { loaded } = yield* ConsolePage.show(`#/${busy.websiteConfigId}/inbox`)
        yield* loaded
        yield* on(async () => {
          // The submission arrives now.
          await page.evaluate(`{
            const original = window.fetch
            window.fetch = async (...input) => {
              const response = await original(...input)
              return /submissions[/][0-9a-f-]{36}$/.test(response.url)
                ? Response.json({ ...(await response.json()), received_at: ${JSON.stringify(now)} })
                : response
            }
          }`)
          await page.locator(".entry a").first().click()
          await page.getByRole("heading", { name: "Deliveries" }).waitFor()
          await page.getByText("kim@fjordlight.example").waitFor()
          // Only the repeated requests get this answer: what else loads the page's data does so once.
          await page.getByText("hooks.fjordlight.exampleSubmission accepted").waitFor()
          await page.unrouteAll({ behavior: "ignoreErrors" })
          await page.getByText("ida@fjordlight.example").waitFor()
          await page.getByText("Waits for the next mail").waitFor()
          await page.getByRole("button", { name: /^Days: / }).click()
          await page.getByRole("menuitemradio", { name: "Choose days…" }).click()
          await page.getByLabel("First day").fill("2020-01-01")
          await page.getByLabel("Last day").fill("2020-01-31")
          await page.getByRole("button", { name: "Show these days" }).click()
          await page.getByText("No submission matches").waitFor()
        })
        assert.include(yield* on(() => page.evaluate<string>("location.hash")), "from=2020-01-01&to=2020-01-31")
        assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [])
      })
  )
})
