/**
 * The settings of a website: what a person creates, changes and deletes, and what a viewer does not see.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Site } from "../../../src/core/sites/Site.ts"
import { Goals } from "../../../src/services/analytics/Goals.ts"
import { InstanceDirectory } from "../../../src/services/chat/InstanceDirectory.ts"
import { Webhooks } from "../../../src/services/delivery/Webhooks.ts"
import { FormDirectory } from "../../../src/services/forms/FormDirectory.ts"
import { SubmissionRepo } from "../../../src/services/forms/SubmissionRepo.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import { inChromium } from "../../support/browser/Browser.ts"
import * as ConsolePage from "../../support/console/ConsolePage.ts"
import * as SetUpData from "../../support/console/SetUpData.ts"
import * as SubmissionDraft from "../../support/SubmissionDraft.ts"

const sections = ["install", "website", "goals", "forms", "mails", "webhooks", "assistants", "keys", "data"] as const

const opened = (site: Site, section: (typeof sections)[number], options?: Parameters<typeof ConsolePage.open>[1]) =>
  Effect.tap(ConsolePage.open(`#/${site.websiteConfigId}/setup/${section}`, options), ({ loaded }) => loaded)

inChromium("the console's settings", SetUpData.layer, (it) => {
  for (const colorScheme of ["light", "dark"] as const) {
    it.effect(`have no violations in ${colorScheme} mode, and nothing scrolls sideways`, () =>
      Effect.gen(function* () {
        const { busy, fresh } = yield* ConsolePage.Websites
        const width = colorScheme === "light" ? 1280 : 360
        const { loaded, on, page } = yield* opened(busy, "install", { colorScheme, viewport: { width, height: 800 } })
        const clean = Effect.fnUntraced(function* (state: string) {
          yield* loaded
          assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [], state)
          const overflow = yield* on(() => page.evaluate<number>("document.documentElement.scrollWidth - innerWidth"))
          assert.isAtMost(overflow, 0, state)
        })
        const show = (site: Site, section: string) =>
          on(() => page.evaluate(`location.hash = ${JSON.stringify(`#/${site.websiteConfigId}/setup/${section}`)}`))
        for (const section of sections) {
          yield* show(busy, section)
          yield* clean(section)
        }
        yield* show(busy, "keys")
        yield* on(() => page.getByRole("button", { name: "New key" }).click())
        yield* clean("a form")
        yield* on(() => page.keyboard.press("Escape"))
        yield* show(busy, "webhooks")
        yield* on(() => page.getByRole("button", { name: "Deliveries" }).last().click())
        yield* on(() => page.locator(".deliveries button").first().click())
        yield* clean("deliveries")
        yield* show(fresh, "webhooks")
        yield* on(() => page.getByText("No webhook yet.").waitFor())
        yield* clean("a new website")
      })
    )
  }

  it.effect("show that the tag, a form and refused origins were seen", () =>
    Effect.gen(function* () {
      const { busy, fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(busy, "install")
      yield* on(() => page.getByText("The form “contact” was received").waitFor())
      yield* on(() => page.getByText("40 times: another origin").waitFor())
      const tag = page.getByText(`data-site="${busy.trackingToken}"></script>`)
      yield* on(() => tag.waitFor())
      yield* on(() => page.getByRole("link", { name: "Origins" }).click())
      yield* on(() => page.getByLabel("Origins").waitFor())
      yield* on(() => page.evaluate(`location.hash = "#/${fresh.websiteConfigId}/setup/install"`))
      yield* on(() => page.getByText("Waiting for the first page view.").waitFor())
    })
  )

  it.effect("create and delete a webhook, whose secret is shown once, and refuse a private address", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(fresh, "webhooks")
      yield* on(async () => {
        await page.getByRole("button", { name: "New webhook" }).click()
        // The first field has the focus, and the keyboard alone is enough.
        await page.locator("input[type=url]:focus").waitFor()
        await page.keyboard.type("http://10.0.0.1/")
        await page.keyboard.press("Enter")
        await page.getByText("10.0.0.1 has no address on the public internet.").waitFor()
        await page.getByLabel("Address").fill("https://192.0.3.1/hook")
        await page.getByLabel("Answer rated").uncheck()
        await page.keyboard.press("Enter")
        await page.getByText(/^whsec_/).waitFor()
        await page.getByRole("button", { name: "Done" }).click()
        await page.getByText("https://192.0.3.1/hook").waitFor()
      })
      const [webhook] = yield* Webhooks.use((webhooks) => webhooks.list(fresh.websiteConfigId))
      assert.lengthOf(webhook?.events ?? [], 6)
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

  it.effect("show deliveries with their attempts", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(busy, "webhooks")
      yield* on(async () => {
        await page.getByRole("button", { name: "Deliveries" }).last().click()
        await page.getByRole("button", { name: /^Submission accepted/ }).click()
        await page.getByText("answered 503 in 1204 ms").waitFor()
        await page.getByText("try again later").waitFor()
        await page.getByRole("button", { name: "Deliver again" }).waitFor()
        await page.getByLabel("Show").selectOption({ label: "Failed" })
        await page.getByText("None of the latest 100.").waitFor()
        await page.getByLabel("Show").selectOption({ label: "Waiting" })
        await page.getByRole("button", { name: /^Submission accepted/ }).waitFor()
      })
    })
  )

  it.effect("edit the rules of a form in rows, and show what is wrong at its row", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(busy, "forms")
      const rulesOf = FormDirectory.use((forms) => forms.list(busy.websiteConfigId)).pipe(
        Effect.map((forms) => forms.find((form) => form.page === "booking")?.rules)
      )
      const before = yield* rulesOf
      yield* on(async () => {
        await page.getByRole("button", { name: "Edit" }).click()
        await page.getByLabel("Most characters").first().fill("-1")
        await page.getByRole("button", { name: "Save" }).click()
        await page.getByText("Must be a count of characters").waitFor()
        await page.getByLabel("Most characters").first().fill("80")
        await page.getByRole("button", { name: "Save" }).click()
        await page.getByRole("dialog").waitFor({ state: "detached" })
      })
      assert.deepStrictEqual(yield* rulesOf, { ...before, name: { required: true, max: 80 } })
    })
  )

  it.effect("create a goal, and say which name is taken", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(fresh, "goals")
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

  it.effect("connect an assistant, whose key is not shown again, and issue a token in its tag", () =>
    Effect.gen(function* () {
      const { fresh } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(fresh, "assistants")
      yield* on(async () => {
        await page.getByRole("button", { name: "New assistant" }).click()
        await page.getByLabel("Name").fill("Helper")
        await page.getByLabel("Address of the agent").fill("http://localhost:9000")
        await page.getByLabel("Key (optional)", { exact: true }).fill("sk-secret")
        await page.getByRole("button", { name: "Create" }).click()
        await page.getByText("only 80 and 443 are").waitFor()
        await page.getByLabel("Address of the agent").fill("https://agent.example.com/v1")
        await page.getByRole("button", { name: "Create" }).click()
        // The form leads on to a first question.
        await page.getByRole("heading", { name: "Try Helper" }).waitFor()
        await page.getByRole("button", { name: "Ask" }).click()
        await page.getByText("It answers. The first word came after").waitFor()
        await page.getByText("Hello there").waitFor()
        await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click()
        await page.getByText("It has no token").waitFor()
        await page.getByRole("button", { name: "Issue a token" }).click()
        await page.getByRole("dialog").getByRole("button", { name: "Create" }).click()
        await page.getByText(/token="hwt_/).waitFor()
        await page.getByRole("button", { name: "Done" }).click()
        await page.getByText("Token without a label").waitFor()
      })
      const all = yield* InstanceDirectory.use((instances) => instances.list)
      const instance = all.find(({ name }) => name === "Helper")
      assert.deepInclude(instance, { agentUrl: "https://agent.example.com/v1", isGuarded: true, agentKeyEnv: null })
      assert.notInclude(yield* on(() => page.content()), "sk-secret")
      yield* on(async () => {
        await page.getByRole("button", { name: "More for Helper" }).click()
        await page.getByRole("menuitemradio", { name: "Edit" }).click()
        await page.getByText("A key is stored.").waitFor()
        await page.getByLabel("Name").fill("Concierge")
        await page.getByRole("button", { name: "Save" }).click()
        await page.getByRole("button", { name: "More for Concierge" }).waitFor()
      })
      const changed = yield* InstanceDirectory.use((instances) => instances.list)
      const renamed = changed.find(({ instanceId }) => instanceId === instance?.instanceId)
      assert.strictEqual(renamed?.name, "Concierge")
      assert.deepStrictEqual(renamed?.agentKey, instance?.agentKey)
    })
  )

  it.effect("issue a key, which is shown once, and revoke it", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { on, page } = yield* opened(busy, "keys")
      yield* on(async () => {
        await page.getByRole("button", { name: "New key" }).click()
        await page.getByLabel("Label (optional)").fill("Robot")
        await page.getByLabel("Last day (optional)").fill("2000-01-01")
        await page.getByRole("button", { name: "Create" }).click()
        await page.getByText("A future time is expected.").waitFor()
        await page.getByLabel("Last day (optional)").fill("2100-01-01")
        await page.getByRole("button", { name: "Create" }).click()
        await page.getByText(/^hok_/).waitFor()
        await page.getByRole("button", { name: "Done" }).click()
        const row = page.getByRole("listitem").filter({ hasText: "Robot" })
        await row.getByRole("button", { name: "Revoke" }).click()
        await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click()
        await row.waitFor({ state: "detached" })
      })
    })
  )

  it.effect("export and delete what is stored of a person", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const email = "Ann@example.com"
      yield* SubmissionRepo.use(({ submit }) => submit(SubmissionDraft.make(busy.websiteConfigId, { email })))
      const { on, page } = yield* opened(busy, "data")
      yield* on(async () => {
        await page.getByLabel("Email address").fill("nobody@example.com")
        await page.getByRole("button", { name: "Export", exact: true }).click()
        await page.getByText("Nothing is stored about this address.").waitFor()
        await page.getByLabel("Email address").fill("ann@example.com")
        const file = page.waitForEvent("download")
        await page.getByRole("button", { name: "Export", exact: true }).click()
        assert.strictEqual((await file).suggestedFilename(), "person.ndjson")
        await page.getByRole("button", { name: "Delete", exact: true }).click()
        await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
        await page.getByText("Deleted: 1 submission and 0 conversations").waitFor()
      })
    })
  )

  it.effect("create a website, change it, and delete it once its name is typed", () =>
    Effect.gen(function* () {
      const { loaded, on, page } = yield* ConsolePage.open("#/")
      yield* loaded
      yield* on(async () => {
        await page.getByRole("button", { name: "New website" }).click()
        await page.getByLabel("Name").fill("Passing")
        await page.getByRole("button", { name: "Create" }).click()
        await page.getByText("Waiting for the first page view.").waitFor()
        await page.getByRole("link", { name: "Website", exact: true }).click()
        await page.getByLabel("Origins").fill("https://a.example/path")
        await page.getByRole("button", { name: "Save" }).click()
        await page.getByText("without a path, are expected.").waitFor()
        await page.getByLabel("Origins").fill("https://a.example\nhttps://b.example")
        await page.getByRole("button", { name: "Save" }).click()
        await page.getByText("Saved.").waitFor()
      })
      const find = SiteDirectory.use((all) => all.list).pipe(
        Effect.map((all) => all.find(({ name }) => name === "Passing"))
      )
      assert.deepStrictEqual((yield* find)?.origins, ["https://a.example", "https://b.example"])
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

  it.effect("a viewer reads, and sees no button that changes anything and no address of a webhook", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.open(`#/${busy.websiteConfigId}/setup/webhooks`, {}, "viewer")
      yield* loaded
      yield* on(() => page.getByText("chat.example").waitFor())
      assert.notInclude(yield* on(() => page.content()), "secret")
      assert.strictEqual(yield* on(() => page.getByRole("link", { name: "Keys" }).count()), 0)
      for (const section of sections.filter((name) => name !== "keys" && name !== "install")) {
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

  it.effect("the inbox shows to whom a submission was delivered, and lists the submissions of some days", () =>
    Effect.gen(function* () {
      const { busy } = yield* ConsolePage.Websites
      const { loaded, on, page } = yield* ConsolePage.open(`#/${busy.websiteConfigId}/inbox`)
      yield* loaded
      yield* on(async () => {
        await page.locator(".entry a").first().click()
        await page.getByRole("heading", { name: "Delivered to" }).waitFor()
        await page.getByText("hooks.fjordlight.example").waitFor()
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
