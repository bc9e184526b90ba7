/**
 * The console's inbox in a browser: reading, releasing, deleting and exporting submissions.
 */
import { readFile } from "node:fs/promises"
import { assert } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { Leads } from "../../src/analytics/Lead.ts"
import type { SubmissionDraft } from "../../src/forms/Submission.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { WebsiteConfigId } from "../../src/platform/Id.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import * as Draft from "../support/SubmissionDraft.ts"
import { view } from "../support/TestStorage.ts"
import { until } from "../support/Wait.ts"

/** Texts that try to become HTML or to run, from lists of known attacks. */
const attacks = [
  "<script>document.title = 'attacked'</script>",
  "<img src=x onerror=\"document.title = 'attacked'\">",
  '"><svg onload="document.title = \'attacked\'">',
  "javascript:document.title='attacked'",
  "</dd></dl><iframe srcdoc=\"<script>parent.document.title = 'attacked'</script>\"></iframe>",
  "{{constructor.constructor('document.title = 1')()}}"
]

/** Stores these submissions, the last one newest. */
const submit = Effect.fnUntraced(function* (
  websiteConfigId: WebsiteConfigId,
  drafts: ReadonlyArray<Partial<SubmissionDraft>>
) {
  const now = yield* Clock.currentTimeMillis
  for (const [index, draft] of drafts.entries()) {
    const receivedAt = now - (drafts.length - index) * 1000
    yield* SubmissionRepo.use((submissions) =>
      submissions.submit(Draft.make(websiteConfigId, { formData: '{"message":"Hello"}', receivedAt, ...draft }))
    )
  }
})

/** A website with these submissions. */
const siteWith = Effect.fnUntraced(function* (...drafts: ReadonlyArray<Partial<SubmissionDraft>>) {
  const { websiteConfigId } = yield* ConsolePage.SpareSites.use(({ take }) => take)
  yield* submit(websiteConfigId, drafts)
  return websiteConfigId
})

const siteWithThree = () =>
  siteWith(
    { email: "ada@example.org", formData: '{"message":"The first"}' },
    { email: "ben@example.org", formData: '{"message":"The second"}', pageSlug: "booking" },
    { email: "spam@example.org", formData: '{"message":"Buy"}', status: "quarantined", reasons: ["links"] }
  )

const layer = Layer.mergeAll(ConsolePage.SharedOwner.layer, ConsolePage.SpareSites.layer("Forms", 21)).pipe(
  Layer.provideMerge(ConsolePage.layerOfTwoDays)
)

inChromium("the console's inbox", layer, (it) => {
  it.effect("lists submissions, latest first, and marks one as read when it is opened", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { errors, loaded, on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.locator(".submission a").first().waitFor())
      assert.deepStrictEqual(yield* on(() => page.locator(".submission .sender").allTextContents()), [
        "ben@example.org",
        "ada@example.org"
      ])
      assert.match((yield* on(() => page.getByRole("link", { name: "Inbox" }).textContent())) ?? "", /2/)
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
      yield* on(() => page.getByText("The first", { exact: true }).last().waitFor())
      yield* until("one is unread", async () => (await page.locator(".submission.unread").count()) === 1)
      yield* on(() => page.reload())
      yield* loaded
      assert.strictEqual(yield* on(() => page.locator(".submission.unread").count()), 1)
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Mark as unread" }).click())
      yield* until("both are unread", async () => (await page.locator(".submission.unread").count()) === 2)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("counts what arrived while another page was open as soon as it is listed", () =>
    Effect.gen(function* () {
      const site = yield* siteWith({})
      const { on, page } = yield* ConsolePage.show(`#/${site}/overview`)
      yield* on(() => page.getByRole("link", { name: "Inbox 1 unread" }).waitFor())
      yield* submit(site, [{}])
      yield* on(() => page.getByRole("link", { name: "Inbox 1 unread" }).click())
      yield* until("both are listed", async () => (await page.locator(".submission.unread").count()) === 2)
      yield* on(() => page.getByRole("link", { name: "Inbox 2 unread" }).waitFor())
    })
  )

  it.effect(
    "letters move along the list, mark, search and choose days, but not while a person types or has turned them off",
    () =>
      Effect.gen(function* () {
        const site = yield* siteWithThree()
        const { errors, on, page, show } = yield* ConsolePage.show(`#/${site}/inbox`)
        const press = (key: string) => on(() => page.keyboard.press(key))
        const isOpen = (name: string) => on(() => page.getByRole("heading", { name, level: 2 }).waitFor())
        yield* isOpen("ben@example.org")
        yield* press("j")
        yield* isOpen("ada@example.org")
        yield* press("k")
        yield* isOpen("ben@example.org")
        yield* on(() => page.getByRole("button", { name: "Mark as unread" }).waitFor())
        yield* press("e")
        yield* on(() => page.getByRole("button", { name: "Mark as read" }).waitFor())
        yield* press("/")
        yield* press("j")
        yield* press("e")
        assert.strictEqual(yield* on(() => page.getByRole("searchbox").inputValue()), "je")
        yield* show(`#/${site}/overview`)
        yield* on(() => page.getByRole("button", { name: /^Days: / }).waitFor())
        yield* press("w")
        yield* on(() => page.getByRole("button", { name: "Days: Last 7 days" }).waitFor())
        yield* show("#/")
        yield* on(() => page.locator("a.site").first().waitFor())
        yield* press("j")
        yield* press("j")
        // The list of websites would be gone if its item were opened.
        yield* on(() => page.locator("li:nth-child(2) > .site-name > a.site:focus").waitFor())
        yield* show(`#/${site}/overview?range=7d`)
        yield* press("?")
        yield* on(() => page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor())
        assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "dialog")), [])
        yield* on(() => page.getByLabel("Use these keys").uncheck())
        yield* press("Escape")
        yield* on(() => page.getByRole("dialog").waitFor({ state: "detached" }))
        yield* press("y")
        yield* press("?")
        yield* on(() => page.getByRole("dialog").waitFor())
        assert.include(page.url(), "7d")
        // The other tests share the page.
        yield* on(() => page.getByLabel("Use these keys").check())
        yield* press("Escape")
        yield* on(() => page.getByRole("dialog").waitFor({ state: "detached" }))
        assert.deepStrictEqual(errors, [])
      })
  )

  it.effect(
    "the newest is open beside the list, unread until a person chooses it, with the name and message first",
    () =>
      Effect.gen(function* () {
        const ada = {
          email: "ada@example.org",
          formData: '{"company":"Difference","message":"Kayaks?","name":"Ada L."}'
        }
        const site = yield* siteWith({ email: "ben@example.org" }, ada)
        const { errors, on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
        yield* on(() => page.getByRole("heading", { name: "Ada L." }).waitFor())
        assert.strictEqual(yield* on(() => page.locator(".submission a[aria-current] .sender").textContent()), "Ada L.")
        assert.strictEqual(
          yield* on(() => page.locator(".submission a[aria-current] .preview").textContent()),
          "contactKayaks? · Difference"
        )
        assert.deepStrictEqual(yield* on(() => page.locator(".fields dd").allTextContents()), ["Kayaks?", "Difference"])
        assert.strictEqual(yield* on(() => page.locator(".submission.unread").count()), 2)
        yield* on(() => page.getByRole("link", { name: "Ada L." }).click())
        yield* until("it is read", async () => (await page.locator(".submission.unread").count()) === 1)
        yield* on(() => page.locator(".details").getByRole("button", { name: "Delete" }).click())
        yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Delete" }).click())
        yield* on(() => page.getByRole("heading", { name: "ben@example.org" }).waitFor())
        yield* on(() => page.locator(".entries a:focus", { hasText: "ben@example.org" }).waitFor())
        // A reload shows the list.
        yield* until("the address of the list", async () => page.url().endsWith(`#/${site}/inbox`))
        yield* ConsolePage.withLook(page, { viewport: { width: 390, height: 844 } })
        yield* on(() => page.getByRole("heading", { name: "ben@example.org" }).waitFor({ state: "detached" }))
        yield* on(() => page.getByRole("link", { name: "ben@example.org" }).waitFor())
        assert.deepStrictEqual(errors, [])
      })
  )

  it.effect("the inbox of another website opens without the search and the submission of this one", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox?search=first`)
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Websites: Forms" }).click())
      yield* on(() => page.getByRole("menuitemradio", { name: "Forms", checked: false }).first().click())
      const hash = yield* until("the inbox of another website", async () => {
        const found = await page.evaluate<string>("location.hash")
        return !found.includes(site) && found
      })
      assert.match(hash, /^#\/[^/?]+\/inbox$/)
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor({ state: "detached" }))
    })
  )

  it.effect("searches, shows the submissions of one form only, and keeps the search in the page's address", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      const senders = () => page.locator(".submission .sender").allTextContents()
      yield* on(() => page.getByRole("searchbox", { name: "Search" }).fill("first"))
      yield* until("only ada's", async () => (await senders()).join() === "ada@example.org")
      assert.match(yield* on(() => page.evaluate<string>("location.hash")), /\?search=first$/)
      yield* on(() => page.getByRole("searchbox", { name: "Search" }).fill("nobody wrote this"))
      yield* on(() => page.getByText("No submission matches").waitFor())
      yield* on(() => page.getByRole("button", { name: "Show all" }).click())
      yield* on(() => ConsolePage.choose(page.getByRole("combobox", { name: "Form" }), "booking"))
      yield* until("only ben's", async () => (await senders()).join() === "ben@example.org")
      yield* on(() => page.goBack())
      yield* until("both again", async () => (await senders()).length === 2)
    })
  )

  it.effect("names the source of a submission as reports do", () =>
    Effect.gen(function* () {
      const { hostedWebsiteId, websiteConfigId } = yield* ConsolePage.SpareSites.use(({ take }) => take)
      const receivedAt = yield* Clock.currentTimeMillis
      const visited = view(0, 7, hostedWebsiteId)
      const campaign = { source: null, medium: null, name: null, term: null, content: null }
      yield* AnalyticsRepo.use((views) =>
        views.append({ ...visited, campaign, referrerHost: "www.instagram.com", receivedAt: receivedAt - 1000 })
      )
      const sent = Draft.make(websiteConfigId, {
        ...{ email: "ada@example.org", formData: '{"message":"Hello"}' },
        ...{ receivedAt, visitorHashes: [visited.visitorHash] }
      })
      yield* SubmissionRepo.use((submissions) => submissions.submit(sent))
      yield* Leads.use((leads) => leads.match)
      const { on, page } = yield* ConsolePage.show(`#/${websiteConfigId}/inbox`)
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
      const visit = page.locator(".visit dl > div")
      yield* on(() => visit.first().waitFor())
      assert.deepStrictEqual((yield* on(() => visit.allTextContents())).slice(0, 2), [
        "SourceInstagram",
        "Referrerwww.instagram.com/"
      ])
    })
  )

  it.effect("a quarantined submission says why, and is released", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox?folder=quarantine`)
      yield* on(() => page.getByRole("link", { name: "spam@example.org" }).click())
      yield* on(() => page.getByText("If it is not, press “Not spam”.").waitFor())
      yield* on(() => page.getByText("it has many links").waitFor())
      yield* on(() => page.getByRole("button", { name: "Not spam" }).click())
      yield* on(() => page.getByText("Nothing is quarantined").waitFor())
      yield* on(() => page.getByRole("button", { name: "Accepted" }).click())
      yield* on(() => page.getByRole("link", { name: "spam@example.org" }).waitFor())
    })
  )

  it.effect("a submission is marked as spam, its sender is held, and that is taken back", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { errors, on, page, url } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor())
      // The list omits it before the service has stored the mark.
      const marked = page.waitForResponse((response) => response.url().endsWith("/submissions/spam"))
      yield* on(() => page.getByRole("button", { name: "Mark as spam" }).click())
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).waitFor({ state: "detached" }))
      yield* on(() => marked)
      const submit = () =>
        on(() =>
          fetch(`${url}/v1/public/forms/submit`, {
            method: "POST",
            body: JSON.stringify({ site_id: site, email: "Ada@example.org", form_data: { message: "Again" } })
          }).then((response) => response.headers.get("x-hydracore-decision"))
        )
      assert.strictEqual(yield* submit(), "quarantined")
      yield* on(() => page.getByRole("button", { name: /^Quarantine/ }).click())
      yield* on(() => page.getByRole("link", { name: "Ada@example.org" }).first().click())
      yield* on(() => page.getByText("you marked its sender or its text as spam").waitFor())
      yield* on(() => page.getByRole("button", { name: "Marked as spam…" }).click())
      const dialog = page.getByRole("dialog", { name: "Marked as spam" })
      yield* on(() => dialog.getByRole("button", { name: "Take back: ada@example.org" }).click())
      yield* on(() => dialog.getByText("Nothing is marked as spam.").waitFor())
      yield* on(() => dialog.getByRole("button", { name: "Close" }).click())
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect(
    "after a mark as spam, no other submission is opened until a person chooses it, and the mark can be undone",
    () =>
      Effect.gen(function* () {
        const site = yield* siteWithThree()
        const { errors, on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
        const button = page.getByRole("button", { name: "Mark as spam" })
        const undo = page.getByRole("status").getByRole("button", { name: "Undo" })
        const ben = page.getByRole("link", { name: "ben@example.org" })
        const mark = on(async () => {
          await page.getByRole("heading", { name: "ben@example.org" }).waitFor()
          const stored = page.waitForResponse("**/submissions/spam")
          const reloaded = page.waitForResponse((response) => response.url().includes("/submissions?"))
          await button.click()
          await stored
          await reloaded
          await page.getByText("Marked as spam", { exact: true }).waitFor()
          await ben.waitFor({ state: "detached" })
        })
        yield* mark
        yield* on(() => page.getByText("Choose a submission to read it.").waitFor())
        yield* on(() => page.locator(".entries a:focus", { hasText: "ada@example.org" }).waitFor())
        assert.strictEqual(yield* on(() => button.count()), 0)
        assert.deepStrictEqual(yield* on(() => ConsolePage.violations(page)), [])
        const released = page.waitForResponse("**/submissions/release")
        yield* on(() => undo.click())
        yield* on(() => released)
        yield* on(() => undo.waitFor({ state: "detached" }))
        yield* on(() => page.locator(".entries a:focus").waitFor())
        yield* on(() => page.reload())
        yield* on(() => ben.waitFor())
        yield* mark
        yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
        yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor())
        assert.strictEqual(yield* on(() => undo.count()), 0)
        yield* on(() => button.waitFor())
        assert.deepStrictEqual(errors, [])
      })
  )

  it.effect("an accepted submission that was sent fast says what is typical of spam, and is not called released", () =>
    Effect.gen(function* () {
      const { websiteConfigId } = yield* ConsolePage.SpareSites.use(({ take }) => take)
      const { on, page, url } = yield* ConsolePage.show(`#/${websiteConfigId}/inbox`)
      const body = {
        site_id: websiteConfigId,
        email: "fast@example.org",
        form_data: { message: "Hello", hydracore_ms: 900 }
      }
      const { status } = yield* on(() =>
        fetch(`${url}/v1/public/forms/submit`, { method: "POST", body: JSON.stringify(body) })
      )
      assert.strictEqual(status, 200)
      yield* on(() => page.reload())
      yield* on(() => page.getByRole("link", { name: "fast@example.org" }).click())
      yield* on(() => page.getByText("Check it before you reply, because this is typical of spam:").waitFor())
      yield* on(() => page.getByText("it was sent within two seconds after the form was shown").waitFor())
      assert.notMatch((yield* on(() => page.locator(".details").textContent())) ?? "", /released|looks like/i)
    })
  )

  it.effect("a selection is deleted after a confirmation, and only then", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.getByRole("checkbox", { name: "Select ada@example.org" }).check())
      yield* on(() => page.getByRole("checkbox", { name: "Select ben@example.org" }).check())
      yield* on(() => page.locator(".selection").getByRole("button", { name: "Delete" }).click())
      const dialog = page.getByRole("dialog", { name: "Delete 2 submissions?" })
      yield* on(() => dialog.getByRole("button", { name: "Cancel" }).click())
      assert.strictEqual(yield* on(() => page.locator(".submission a").count()), 2)
      yield* on(() => page.locator(".selection").getByRole("button", { name: "Delete" }).click())
      yield* on(() => dialog.getByRole("button", { name: "Delete" }).click())
      yield* on(() => page.getByText("No submissions yet").waitFor())
      yield* on(() => page.reload())
      yield* on(() => page.getByText("No submissions yet").waitFor())
    })
  )

  it.effect("a deleted submission is restored, or deleted permanently", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { errors, on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      for (const [index, name] of ["ada@example.org", "ben@example.org", "ben@example.org"].entries()) {
        if (index === 2) yield* on(() => page.getByRole("status").getByRole("button", { name: "Undo" }).click())
        yield* on(() => page.getByRole("link", { name }).click())
        yield* on(() => page.getByRole("heading", { name }).waitFor())
        yield* on(() => page.locator(".details").getByRole("button", { name: "Delete" }).click())
        yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Delete" }).click())
      }
      yield* on(() => page.getByText("No submissions yet").waitFor())
      yield* on(() => page.getByRole("button", { name: "Deleted" }).click())
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
      yield* on(() => page.getByText("Deleted. It can be restored until").waitFor())
      yield* on(() => page.getByRole("button", { name: "Restore" }).click())
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).waitFor({ state: "detached" }))
      yield* on(() => page.getByRole("heading", { name: "ben@example.org" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Delete permanently" }).click())
      yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Delete" }).click())
      yield* on(() => page.getByText("Nothing is deleted").waitFor())
      // Nothing is left to be focused, and the bar, which is sticky, covers nothing.
      yield* on(() => page.locator("main:focus").waitFor())
      assert.strictEqual(yield* on(() => page.evaluate("scrollY")), 0)
      yield* on(() => page.getByRole("button", { name: "Accepted" }).click())
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).waitFor())
      assert.strictEqual(yield* on(() => page.locator(".submission").count()), 1)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("a change that the service refuses is reverted, and the page says so even if a later one succeeds", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { loaded, on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      const answer = Promise.withResolvers<void>()
      yield* on(async () => {
        await page.route(
          "**/submissions/delete",
          (route) => answer.promise.then(() => route.fulfill({ status: 503, body: "{}" })),
          { times: 1 }
        )
        await page.getByRole("checkbox", { name: "Select ada@example.org" }).check()
        await page.locator(".selection").getByRole("button", { name: "Delete" }).click()
        await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click()
        // This marks the other one as read.
        await page.getByRole("link", { name: "ben@example.org" }).click()
        await page.getByRole("button", { name: "Mark as unread" }).waitFor()
        const marked = page.waitForResponse("**/submissions/read")
        answer.resolve()
        await (await marked).finished()
        await page.getByRole("link", { name: "ada@example.org" }).waitFor()
      })
      yield* loaded
      yield* on(() => page.getByRole("alert").waitFor())
    })
  )

  it.effect("the export has the listed submissions only", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox?search=second`)
      yield* on(() => page.getByRole("link", { name: "ben@example.org" }).waitFor())
      yield* on(() => page.getByRole("button", { name: "Export" }).click())
      const [download] = yield* on(() =>
        Promise.all([page.waitForEvent("download"), page.getByRole("menuitemradio", { name: /^CSV/ }).click()])
      )
      const csv = yield* on(async () => readFile(await download.path(), "utf8"))
      assert.include(csv, "The second")
      assert.notInclude(csv, "The first")
    })
  )

  it.effect("a viewer reads, and is offered no changes", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.open(`#/${site}/inbox`, {}, "viewer")
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).click())
      yield* on(() => page.getByRole("heading", { name: "ada@example.org" }).waitFor())
      assert.strictEqual(yield* on(() => page.getByRole("checkbox").count()), 0)
      for (const name of ["Delete", "Mark as unread", "Mark as read"]) {
        assert.strictEqual(yield* on(() => page.getByRole("button", { name, exact: true }).count()), 0, name)
      }
    })
  )

  it.effect("a visitor's input is always shown as text", () =>
    Effect.gen(function* () {
      const site = yield* siteWith(
        ...attacks.map((attack) => ({
          email: "x@example.org",
          pageSlug: attack.slice(0, 100),
          formData: JSON.stringify({ [attack]: attack, nested: { [attack]: [attack] } })
        }))
      )
      const { errors, on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      for (const [index, attack] of attacks.toReversed().entries()) {
        yield* on(() => page.locator(".submission a").nth(index).click())
        yield* until(attack, async () => (await page.locator(".fields dd").first().textContent()) === attack)
      }
      assert.match(yield* on(() => page.title()), /^(\(\d+\) )?Inbox · Forms · HydraCore$/)
      assert.strictEqual(yield* on(() => page.locator(".details :is(script, img, svg[onload], iframe)").count()), 0)
      assert.deepStrictEqual(errors, [])
    })
  )

  it.effect("after a reload, earlier parts of the list neither repeat nor omit a submission", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 60 }, (_, index) => `visitor-${index}@example.org`)
      const site = yield* siteWith(...names.map((email) => ({ email })))
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      const senders = () => page.locator(".submission .sender").allTextContents()
      yield* on(() => page.getByRole("button", { name: "Show earlier ones" }).click())
      yield* until("all are listed", async () => (await senders()).length === 60)
      const newNames = ["new-1@example.org", "new-2@example.org", "new-3@example.org"]
      const now = yield* Clock.currentTimeMillis
      for (const [index, email] of newNames.entries()) {
        yield* SubmissionRepo.use((submissions) =>
          submissions.submit(Draft.make(site, { email, formData: "{}", receivedAt: now + index }))
        )
      }
      // A change reloads the list.
      yield* on(() => page.getByRole("checkbox", { name: "Select visitor-59@example.org" }).check())
      yield* on(() => page.locator(".selection").getByRole("button", { name: "Delete" }).click())
      yield* on(() => page.getByRole("dialog").getByRole("button", { name: "Delete" }).click())
      const expected = [...names.slice(0, -1), ...newNames].toReversed()
      yield* until("the new ones are listed too", async () => (await senders()).length === expected.length)
      assert.deepStrictEqual(yield* on(senders), expected)
    })
  )

  it.effect("a search that begins after a folder was chosen searches that folder", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.getByRole("searchbox", { name: "Search" }).fill("Buy"))
      yield* on(() => page.getByText("1", { exact: true }).first().waitFor())
      const place = on(() => page.getByRole("button", { name: "Deleted", exact: true }).boundingBox())
      const before = yield* place
      yield* on(() => page.getByRole("button", { name: "Quarantine" }).click())
      assert.deepStrictEqual(yield* place, before)
      yield* until("it searches", async () => /search=Buy/.test(await page.evaluate<string>("location.hash")))
      assert.match(yield* on(() => page.evaluate<string>("location.hash")), /folder=quarantine/)
      yield* on(() => page.getByRole("link", { name: "spam@example.org" }).waitFor())
    })
  )

  it.effect("two quick changes of a submission are made in order", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.getByRole("link", { name: "ada@example.org" }).waitFor())
      // The first request, which marks the submission as read when it is opened, waits for `answerFirst`.
      yield* on(() =>
        page.evaluate(`{
          window.requests = []
          const waiting = new Promise((resolve) => { window.answerFirst = resolve })
          const { fetch } = window
          window.fetch = async (url, options) => {
            if (!url.endsWith("/submissions/read")) return fetch(url, options)
            const { read } = JSON.parse(options.body)
            requests.push(read ? "read sent" : "unread sent")
            if (read) await waiting
            else window.fetch = fetch
            const response = await fetch(url, options)
            requests.push(read ? "read answered" : "unread answered")
            return response
          }
        }`)
      )
      const requests = () => page.evaluate<ReadonlyArray<string>>("requests")
      yield* on(async () => {
        await page.getByRole("link", { name: "ada@example.org" }).click()
        await page.getByRole("button", { name: "Mark as unread" }).click()
        await page.getByRole("button", { name: "Mark as read" }).waitFor()
      })
      assert.deepStrictEqual(yield* on(requests), ["read sent"])
      yield* on(() => page.evaluate("answerFirst()"))
      yield* until("both are answered", async () => (await requests()).length === 4)
      assert.deepStrictEqual(yield* on(requests), ["read sent", "read answered", "unread sent", "unread answered"])
      const { unread } = yield* on(() =>
        page.evaluate<{ readonly unread: number }>(
          `fetch("/v1/owner/sites/${site}/submissions/overview").then((response) => response.json())`
        )
      )
      assert.strictEqual(unread, 2)
    })
  )

  it.effect("a selection ends when other submissions are listed", () =>
    Effect.gen(function* () {
      const site = yield* siteWithThree()
      const { on, page } = yield* ConsolePage.show(`#/${site}/inbox`)
      yield* on(() => page.getByRole("checkbox", { name: "Select ada@example.org" }).check())
      yield* on(() => page.getByRole("button", { name: "Quarantine" }).click())
      yield* on(() => page.getByRole("link", { name: "spam@example.org" }).waitFor())
      assert.strictEqual(yield* on(() => page.getByText("1 selected").count()), 0)
    })
  )
})
