/**
 * The settings of a website: what its owner creates, changes and deletes.
 */
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { Goals } from "../../src/analytics/Goal.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Deliveries } from "../../src/delivery/Delivery.ts"
import { Notifications } from "../../src/delivery/mail/Notification.ts"
import { Replies } from "../../src/delivery/mail/Reply.ts"
import { Webhooks } from "../../src/delivery/Webhook.ts"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as SetUpData from "../support/console/SetUpData.ts"
import * as SetUpPage from "../support/console/SetUpPage.ts"
import { fanOutAll, leaseOf, newWebhook, settle } from "../support/Delivery.ts"
import { everyKey } from "../support/Lists.ts"
import * as SubmissionDraft from "../support/SubmissionDraft.ts"

inChromium(
  "changes of the console's settings",
  Layer.provideMerge(ConsolePage.SharedOwner.layer, SetUpData.layer),
  (it) => {
    it.effect("create and delete a webhook, whose secret is shown once, and refuse a private address", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(fresh, "webhooks")
        yield* on(async () => {
          await page.getByRole("button", { name: "New webhook" }).click()
          // The first field has the focus, and the keyboard alone is enough.
          await page.locator("input[type=url]:focus").waitFor()
          await page.keyboard.type("http://10.0.0.1/")
          await page.keyboard.press("Enter")
          await page.getByText("10.0.0.1 was not found on the public internet. The operator").waitFor()
          await page
            .getByRole("dialog")
            .getByText(`with “hydracore webhook create --site ${fresh.websiteConfigId} --url …” if`)
            .waitFor()
          await page.getByLabel("Address").fill("https://192.0.3.1/hook")
          await page.keyboard.press("Enter")
          await page.getByText(/^whsec_/).waitFor()
          // The secret is not shown again, so neither the key nor a click beside the dialog closes it.
          await page.keyboard.press("Escape")
          await page.keyboard.press("Escape")
          await page.mouse.click(2, 2)
          assert.isTrue(await page.getByText(/^whsec_/).isVisible())
          await page.getByRole("button", { name: "Done" }).click()
          await page.getByText("https://192.0.3.1/hook").waitFor()
        })
        const [webhook] = yield* Webhooks.use((webhooks) => webhooks.list(fresh.websiteConfigId))
        // As mails: each submission once.
        assert.deepStrictEqual(webhook?.events, ["submission.accepted", "submission.released"])
        assert.strictEqual(yield* on(() => page.getByText(/^whsec_/).count()), 0)
        yield* on(async () => {
          await page.getByRole("button", { name: /^More for/ }).click()
          await page.getByRole("menuitemradio", { name: "Delete" }).click()
          await page.getByRole("button", { name: "Delete", exact: true }).click()
          await page.getByText("No webhook yet.").waitFor()
        })
        assert.deepStrictEqual(yield* Webhooks.use((webhooks) => webhooks.list(fresh.websiteConfigId)), [])
      })
    )

    it.effect("show all deliveries of a webhook in parts, and replay those that failed after it says how many", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const deliveries = yield* Deliveries
        const { webhook } = yield* newWebhook(fresh.websiteConfigId, "https://192.0.3.1/replayed")
        const repo = yield* SubmissionRepo
        const receivedAt = yield* Clock.currentTimeMillis
        for (let count = 0; count < 60; count++) {
          yield* repo.submit(SubmissionDraft.make(fresh.websiteConfigId, { receivedAt }))
        }
        yield* fanOutAll
        const [delivered, ...failed] = yield* leaseOf(webhook)
        if (delivered === undefined) return assert.fail("deliveries are due")
        yield* settle(delivered, { status: 200, next: { status: "delivered" } })
        for (const one of failed) yield* settle(one, { status: 500, next: { status: "failed" }, affectsHealth: false })
        // Another section first: the page may still show the webhooks of the test before, and would not load them again.
        yield* SetUpPage.show(fresh, "goals")
        const { on, page } = yield* SetUpPage.show(fresh, "webhooks")
        const rows = page.locator(".deliveries li")
        const dialog = page.getByRole("dialog")
        yield* on(async () => {
          await page.getByRole("button", { name: "Deliveries" }).click()
          await page.getByRole("button", { name: "Show more" }).click()
          await rows.nth(59).waitFor()
          await page.getByRole("button", { name: "Show more" }).waitFor({ state: "detached" })
          await ConsolePage.choose(page.getByLabel("Show"), "Delivered")
          await rows.nth(1).waitFor({ state: "detached" })
          await rows.filter({ hasText: "Delivered" }).waitFor()
          await page.getByRole("button", { name: "Replay…" }).click()
          await dialog.getByText("59 deliveries will be sent again.").waitFor()
          await ConsolePage.choose(dialog.getByLabel("Deliveries"), "Waiting")
          await dialog.getByText("There are no such deliveries.").waitFor()
        })
        assert.isTrue(yield* on(() => dialog.getByRole("button", { name: "Deliver again" }).isDisabled()))
        yield* on(() => ConsolePage.choose(dialog.getByLabel("Deliveries"), "Failed"))
        yield* on(() => dialog.getByText("59 deliveries will be sent again.").waitFor())
        assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "dialog")), [])
        assert.strictEqual(yield* deliveries.continueReplays, 0)
        yield* on(async () => {
          await dialog.getByRole("button", { name: "Deliver 59 again" }).click()
          await dialog.waitFor({ state: "detached" })
          await page.getByText("59 deliveries will be sent again, oldest first.").waitFor()
        })
        assert.strictEqual(yield* deliveries.continueReplays, 59)
        assert.sameMembers(
          (yield* leaseOf(webhook)).map(({ eventId }) => eventId),
          failed.map(({ eventId }) => eventId)
        )
        yield* Webhooks.use((webhooks) => webhooks.delete(webhook.websiteConfigId, webhook.webhookId))
      })
    )

    it.effect("edit the rules of a form in rows, and show what is wrong at its row", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const sent = {
          pageSlug: "booking",
          formData: '{"name":"Ada","email":"ada@example.org","people":"2","tour":"Sunset"}',
          receivedAt: yield* Clock.currentTimeMillis
        }
        yield* SubmissionRepo.use((repo) => repo.submit(SubmissionDraft.make(busy.websiteConfigId, sent)))
        const { on, page } = yield* SetUpPage.show(busy, "forms")
        const rulesOf = FormDirectory.use((forms) => forms.list(busy.websiteConfigId)).pipe(
          Effect.map((forms) => forms.find((form) => form.page === "booking")?.rules)
        )
        const before = yield* rulesOf
        yield* on(async () => {
          await page.getByRole("button", { name: "Edit" }).click()
          await page.getByLabel("Max. length").first().fill("-1")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByText("Must be a count of characters").waitFor()
          const unknown = page.getByText("The form’s latest submission has no field of this name.")
          assert.strictEqual(await unknown.count(), 0)
          await page.getByRole("button", { name: "Add a field" }).click()
          await page.getByLabel("Field", { exact: true }).last().fill("e-mail")
          await unknown.waitFor()
          await page.getByRole("button", { name: "Remove e-mail" }).click()
          await unknown.waitFor({ state: "detached" })
          await page.getByLabel("Max. length").first().fill("80")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByRole("dialog").waitFor({ state: "detached" })
        })
        assert.deepStrictEqual(yield* rulesOf, { ...before, name: { required: true, max: 80 } })
      })
    )

    it.effect("add a recipient of all conversations, and one of a form that arrived before, which has none", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const receivedAt = yield* Clock.currentTimeMillis
        yield* SubmissionRepo.use((repo) =>
          repo.submit(SubmissionDraft.make(fresh.websiteConfigId, { pageSlug: "jobs", receivedAt }))
        )
        const { on, page } = yield* SetUpPage.show(fresh, "mails")
        const [form, conversations] = [
          page.getByLabel("Form", { exact: true }),
          page.getByLabel("Conversations of the chat")
        ]
        const stored = Effect.map(
          Notifications.use((notifications) => notifications.list(fresh.websiteConfigId)),
          (all) => all.map((one) => [one.to, one.page, one.conversations])
        )
        yield* on(async () => {
          await page.getByRole("button", { name: "Add a recipient" }).first().click()
          await page.getByLabel("Form", { exact: true }).click()
          await page.getByRole("option", { name: "jobs" }).waitFor()
          // Closes the list, and not the dialog.
          await page.keyboard.press("Escape")
          await page.getByRole("listbox").waitFor({ state: "detached" })
          assert.strictEqual(await conversations.inputValue(), "Those that got no answer")
          await page.getByLabel("Address").fill("ada@shop.example")
          await ConsolePage.choose(conversations, "All that begin")
          const file = process.env["SCREENSHOTS"]
          if (file !== undefined) await page.screenshot({ path: `${file}/mails.png` })
          await page.getByRole("button", { name: "Add", exact: true }).click()
          await page.getByText("Each submission · and conversations · waits until").waitFor()
          await page.getByRole("button", { name: "Add a recipient" }).first().click()
          await page.getByLabel("Address").fill("bob@shop.example")
          await form.fill("jobs")
          await conversations.waitFor({ state: "detached" })
          await page.getByRole("button", { name: "Add", exact: true }).click()
          await page.getByText("Each submission · only the form “jobs” · waits until").waitFor()
        })
        assert.deepStrictEqual(yield* stored, [
          ["ada@shop.example", null, "all"],
          ["bob@shop.example", "jobs", "off"]
        ])
      })
    )

    it.effect("set, change and delete the automatic reply of a form", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(fresh, "forms")
        const stored = Replies.use((replies) => replies.listAutomatic(fresh.websiteConfigId))
        yield* on(async () => {
          await page.getByText("No form replies to its visitors automatically.").waitFor()
          await page.getByRole("button", { name: "New automatic reply" }).click()
          await page.getByLabel("Form", { exact: true }).fill("contact")
          await page.getByLabel("Subject").fill("Thank you")
          await page.getByLabel("Text").fill("Hello {name},\n\nwe answer soon.")
          await page.getByLabel("Address for answers").fill("owner@shop")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByText("An email address such as ada@example.com is expected").waitFor()
          await page.getByLabel("Address for answers").fill("owner@shop.example")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByText("Thank you · answers go to owner@shop.example").waitFor()
        })
        const [reply] = yield* stored
        assert.strictEqual(reply?.text, "Hello {name},\n\nwe answer soon.")
        yield* on(async () => {
          await page.getByRole("button", { name: "Edit" }).click()
          await page.getByLabel("Subject").fill("We got it")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByText("We got it · answers go to owner@shop.example").waitFor()
          await page.getByRole("button", { name: "Delete" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click()
          await page.getByText("No form replies to its visitors automatically.").waitFor()
        })
        assert.deepStrictEqual(yield* stored, [])
      })
    )

    it.effect("create a goal, and refuse another of the same name", () =>
      Effect.gen(function* () {
        const { fresh } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(fresh, "goals")
        const create = async (path: string) => {
          await page.getByRole("button", { name: "New goal" }).click()
          await page.getByLabel("Path").fill(path)
          await page.getByRole("button", { name: "Create" }).click()
        }
        yield* on(() => create("/thanks"))
        yield* on(() => page.getByText("A page: /thanks").waitFor())
        yield* on(() => create("/thanks"))
        yield* on(() => page.getByText("The website has a goal of this name").waitFor())
        assert.lengthOf(yield* Goals.use((goals) => goals.list(fresh.websiteConfigId)), 1)
      })
    )

    it.effect(
      "connect an assistant, whose key is not shown again, and issue a token, which is shown in a complete tag",
      () =>
        Effect.gen(function* () {
          const { fresh } = yield* ConsolePage.Websites
          const { on, page } = yield* SetUpPage.show(fresh, "assistants")
          yield* on(async () => {
            await page.getByRole("button", { name: "New assistant" }).click()
            await page.getByLabel("Name").fill("Helper")
            await page.getByLabel("Address of the agent").fill("http://localhost:9000")
            await page.getByLabel("Key (optional)", { exact: true }).fill("sk-secret")
            await page.getByRole("button", { name: "Create" }).click()
            await page.getByText("only 80 and 443 are").waitFor()
            await page.getByLabel("Address of the agent").fill("agent.example.com/v1")
            await page.getByRole("button", { name: "Create" }).click()
            // The form leads on to a first question.
            await page.getByRole("heading", { name: "Try Helper" }).waitFor()
            await page.getByRole("button", { name: "Ask" }).click()
            await page.getByText("It answers. The first word came after").waitFor()
            await page.getByText("Hello there").waitFor()
            await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click()
            await page.getByText("This assistant has no token").waitFor()
            await page.getByRole("button", { name: "Issue a token" }).click()
            await page.getByRole("dialog").getByRole("button", { name: "Create" }).click()
            await page.getByText(/token="hwt_/).waitFor()
            await page.getByRole("button", { name: "Done" }).click()
            await page.getByText("Token without a label").waitFor()
          })
          const all = yield* InstanceDirectory.use((instances) => instances.list("all"))
          const instance = all.find(({ name }) => name === "Helper")
          assert.deepInclude(instance, {
            agent_url: "https://agent.example.com/v1",
            guarded: true,
            agent_key_env: null
          })
          assert.notInclude(yield* on(() => page.content()), "sk-secret")
          yield* on(async () => {
            await page.getByRole("button", { name: "More for Helper" }).click()
            await page.getByRole("menuitemradio", { name: "Edit" }).click()
            await page.getByText("A key is stored.").waitFor()
            await page.getByLabel("Name").fill("Concierge")
            await page.getByRole("button", { name: "Save" }).click()
            await page.getByRole("button", { name: "More for Concierge" }).waitFor()
          })
          const changed = yield* InstanceDirectory.use((instances) => instances.list("all"))
          const renamed = changed.find(({ instance_id: instanceId }) => instanceId === instance?.instance_id)
          assert.strictEqual(renamed?.name, "Concierge")
          assert.deepStrictEqual(renamed?.agent_key, instance?.agent_key)
          // The form begins with what was saved, although its earlier answer is in the cache.
          yield* on(async () => {
            await page.getByRole("button", { name: "More for Concierge" }).click()
            await page.getByRole("menuitemradio", { name: "Edit" }).click()
            await page.getByRole("heading", { name: "Edit Concierge" }).waitFor()
          })
          assert.strictEqual(yield* on(() => page.getByLabel("Name").inputValue()), "Concierge")
          // Without an address, nothing is saved, and the field says so.
          yield* on(async () => {
            await page.getByLabel("Address of the agent").fill("")
            await page.getByRole("button", { name: "Save" }).click()
            await page.locator("input[type=url][aria-invalid=true]").waitFor()
          })
          yield* on(async () => {
            const dialog = page.getByRole("dialog")
            await page.keyboard.press("Escape")
            await dialog.getByText("What you typed is not saved.").waitFor()
            await page.keyboard.press("Escape")
            await dialog.waitFor({ state: "detached" })
          })
          yield* on(async () => {
            await page.route("**/instances/*", (route) => route.fulfill({ status: 500, body: "{}" }), { times: 1 })
            await page.getByRole("button", { name: "More for Concierge" }).click()
            await page.getByRole("menuitemradio", { name: "Edit" }).click()
            await page.getByRole("dialog").getByRole("button", { name: "Try again" }).click()
            await page.getByRole("dialog").getByLabel("Name").waitFor()
            await page.keyboard.press("Escape")
          })
        })
    )

    it.effect("issue a key, which is shown once, and revoke it", () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(busy, "keys")
        yield* on(async () => {
          await page.getByRole("button", { name: "New key" }).click()
          await page.getByLabel("Label (optional)").fill("Robot")
          await page.getByLabel("Last day (optional)").fill("2000-01-01")
          await page.getByRole("button", { name: "Create" }).click()
          await page.getByText("A future time is expected.").waitFor()
          await ConsolePage.choose(page.getByLabel("Websites", { exact: true }), "Several websites")
          await page.getByLabel("New website").check()
          await page.getByLabel("Last day (optional)").fill("2100-01-01")
          await page.getByRole("button", { name: "Create" }).click()
          await page.getByText(/^hok_/).waitFor()
          await page.getByRole("button", { name: "Done" }).click()
          await page.getByText(/^hok_/).waitFor({ state: "detached" })
        })
        const issued = (yield* OwnerKeys.use(({ list }) => list(everyKey))).find(({ label }) => label === "Robot")
        assert.sameMembers([...(issued?.sites ?? [])], [busy.websiteConfigId, fresh.websiteConfigId])
        yield* on(async () => {
          const row = page.getByRole("listitem").filter({ hasText: "Robot" })
          await row.getByText("2 websites · until January 1, 2100").waitFor()
          await row.getByRole("button", { name: "Revoke" }).click()
          await page.getByRole("checkbox", { name: /^Also log out people/ }).check()
          const revoked = page.waitForRequest((request) => request.method() === "DELETE")
          await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click()
          assert.match((await revoked).url(), /\/v1\/owner\/keys\/[\w-]+\?with_opened=true$/)
          await row.waitFor({ state: "detached" })
        })
      })
    )

    it.effect("a key works on its last day, which may be today", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const { on, page } = yield* SetUpPage.show(busy, "keys")
        const today = yield* on(() => page.evaluate<string>("new Date().toLocaleDateString('sv-SE')"))
        yield* on(async () => {
          await page.getByRole("button", { name: "New key" }).click()
          await page.getByLabel("Label (optional)").fill("Today")
          await page.getByLabel("Last day (optional)").fill(today)
          await page.getByRole("button", { name: "Create" }).click()
          await page.getByText(/^hok_/).waitFor()
          await page.getByRole("button", { name: "Done" }).click()
        })
        const issued = (yield* OwnerKeys.use(({ list }) => list(everyKey))).find(({ label }) => label === "Today")
        assert.strictEqual(
          issued?.expires_at,
          yield* on(() => page.evaluate<string>(`new Date("${today}T23:59:59").toISOString()`))
        )
      })
    )

    it.effect("export and delete a person's data", () =>
      Effect.gen(function* () {
        const { busy } = yield* ConsolePage.Websites
        const email = "Ann@example.com"
        const receivedAt = yield* Clock.currentTimeMillis
        const draft = SubmissionDraft.make(busy.websiteConfigId, { email, receivedAt })
        yield* SubmissionRepo.use(({ submit }) => submit(draft))
        const { on, page } = yield* SetUpPage.show(busy, "data")
        yield* on(async () => {
          await page.getByLabel("Email address").fill("nobody@example.com")
          await page.getByRole("button", { name: "Export", exact: true }).click()
          await page.getByText("Nothing is stored about this address.").waitFor()
          await page.getByLabel("Email address").fill("ann@example.com")
          const file = page.waitForEvent("download")
          await page.getByRole("button", { name: "Export", exact: true }).click()
          assert.strictEqual((await file).suggestedFilename(), "person.ndjson")
          await page.getByRole("button", { name: "Delete", exact: true }).click()
          await page.getByRole("dialog").getByText("1 submission. This is deleted permanently").waitFor()
          await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
          await page.getByText("Deleted: 1 submission.").waitFor()
          await page.locator("button:focus", { hasText: "Delete" }).waitFor()
        })
      })
    )

    it.effect("create a website, change it, and delete it once its name is typed", () =>
      Effect.gen(function* () {
        const { loaded, on, page } = yield* ConsolePage.show("#/")
        yield* loaded
        yield* on(async () => {
          await page.getByRole("button", { name: "New website" }).click()
          await page.getByLabel("Name").fill("Passing")
          await page.getByRole("button", { name: "Create" }).click()
          await page.getByText("Waiting for the first page view.").waitFor()
          await page.getByRole("link", { name: "Website", exact: true }).click()
          await page.getByLabel("Origins").fill("https://a.example/path")
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByText(/^Origins such as .*, without a path, are expected\.$/).waitFor()
          await page.getByLabel("Origins").fill("https://a.example\n\nhttps://b.example/path")
          await page.getByRole("button", { name: "Save" }).click()
          // The origins are shown as they were sent.
          await page.getByText("Line 2: Origins such as").waitFor()
          // A host name is the origin of its https pages.
          await page.getByLabel("Origins").fill("https://a.example\nb.example")
          const zone = page.getByLabel("Time zone")
          await zone.fill("bergen")
          await page.getByRole("option", { name: "Search for the country" }).waitFor()
          await zone.fill("zürich")
          await page.getByRole("option", { name: "Europe/Zurich" }).waitFor()
          // Chromium lists it as Asia/Calcutta.
          await zone.fill("kolkata")
          await page.getByRole("option", { name: "Asia/Kolkata UTC+05:30" }).waitFor()
          // Before America/Indiana.
          await zone.fill("india")
          await page.locator(".marked", { hasText: "Asia/Kolkata" }).waitFor()
          await zone.fill("tok +09")
          await page.getByRole("option", { name: "Asia/Tokyo UTC+09:00" }).waitFor()
          assert.deepStrictEqual(await ConsolePage.violationsOfPart(page, "main"), [])
          await zone.press("Enter")
          assert.strictEqual(await zone.inputValue(), "Asia/Tokyo")
          const warning = page.getByText("the numbers of past days change")
          await warning.waitFor()
          await page.getByRole("button", { name: "Save" }).click()
          await page.getByText("Saved.").waitFor()
          await page.locator("button:focus", { hasText: "Save" }).waitFor()
          await warning.waitFor({ state: "detached" })
          assert.strictEqual(await page.getByLabel("Origins").inputValue(), "https://a.example\nhttps://b.example")
        })
        const find = SiteDirectory.use((all) => all.list).pipe(
          Effect.map((all) => all.find(({ name }) => name === "Passing"))
        )
        const { origins, timeZone } = (yield* find) ?? assert.fail()
        assert.deepStrictEqual([origins, timeZone], [["https://a.example", "https://b.example"], "Asia/Tokyo"])
        yield* on(async () => {
          await page.getByRole("button", { name: "Delete the website" }).click()
          const yes = page.getByRole("dialog").getByRole("button", { name: "Delete the website" })
          await page.getByLabel("Type “Passing” to confirm").fill("Passin")
          if (!(await yes.isDisabled())) throw new Error("It can be deleted without its name.")
          await page.getByLabel("Type “Passing” to confirm").fill("Passing")
          await yes.click()
          await page.getByRole("heading", { name: "Websites" }).waitFor()
        })
        assert.isUndefined(yield* find)
      })
    )
  }
)
