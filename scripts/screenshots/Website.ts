/**
 * Pictures of what the service shows to people without a session: the forms of websites in every state, the pages that answer
 * forms without a script, the start page, the guides, and the page that answers an invalid link to unsubscribe.
 *
 * @module
 */
import { Effect } from "effect"
import type { BrowserContextOptions, Page } from "playwright-core"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { paths, TestServer } from "../../test/support/TestServer.ts"
import { nothing, type PageAction, phone, sizes, twoSizes, wide } from "./ConsoleView.ts"
import type { Take } from "./Take.ts"

/** The path of a website's page. The page is on the service's origin, so that the browser needs no other host. */
const path = "/contact"

const pageOf = (websiteConfigId: string, isScripted: boolean): string => `<!doctype html>
<html lang="en"><head><title>Contact</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 34rem; padding-inline: 1.25rem }
  form { display: grid; gap: 1rem }
  label { display: grid; gap: .25rem }
  input, textarea { border: 1px solid #8a8f98; border-radius: .375rem; font: inherit; padding: .5rem }
  button { font: inherit; justify-self: start; padding: .5rem 1.25rem }
</style></head><body><main><h1>Contact</h1>
<form data-hydracore-form data-site="${websiteConfigId}" data-page="contact"
  method="post" action="${paths.submit}?site=${websiteConfigId}&amp;page=contact">
  <label>Name <input name="name"></label>
  <label>Email <input name="email" type="email"></label>
  <label>Message <textarea name="message" rows="3"></textarea></label>
  <button>Send</button>
</form></main>${isScripted ? `<script type="module" src="/v1/public/forms.js"></script>` : ""}</body></html>`

/** Answers every submission with this status; never, if it is null. */
const answerWith = (page: Page, status: number | null) =>
  page.route(`**${paths.submit}*`, (route) => (status === null ? undefined : route.fulfill({ status, json: {} })))

const rules = {
  name: { required: true },
  email: { email: true, message: "Please enter the address that we can answer to, such as ada@example.org." }
}

const states: Readonly<Record<string, (page: Page) => Promise<unknown>>> = {
  invalid: async (page) => {
    await page.getByRole("button", { name: "Send" }).click()
    await page.getByText("Please check the marked fields.").waitFor()
  },
  sent: async (page) => {
    await page.getByRole("button", { name: "Send" }).click()
    await page.getByText("Thank you").waitFor()
  },
  sending: async (page) => {
    await answerWith(page, null)
    await page.getByRole("button", { name: "Send" }).click()
    await page.getByText("Sending").waitFor()
  },
  waiting: async (page) => {
    await answerWith(page, 503)
    await page.getByRole("button", { name: "Send" }).click()
    await page.getByText("kept on this page").waitFor()
  },
  failed: async (page) => {
    await answerWith(page, 500)
    await page.getByRole("button", { name: "Send" }).click()
    await page.getByText("could not be sent").waitFor()
  }
}

const search: PageAction = async (page) => {
  await page.getByRole("button", { name: "Search" }).click()
  await page.getByRole("searchbox").fill("bounce rate")
  await page.getByText(/results?$/).waitFor()
}

const scrollToCode: PageAction = async (page) => {
  await page.locator(".code").nth(1).scrollIntoViewIfNeeded()
  await page.locator(".code").nth(1).hover()
}

const referenceShown: PageAction = async (page) => {
  await page.getByRole("heading", { level: 1 }).waitFor()
}

export const takeAll = Effect.fnUntraced(function* ({ picture }: Take) {
  const { url, websiteConfigId } = yield* TestServer
  yield* FormDirectory.use((forms) => forms.put({ websiteConfigId, page: "contact", rules }))

  const takeForm = (
    name: string,
    options: BrowserContextOptions,
    fields: Readonly<Record<string, string>>,
    action: (page: Page) => Promise<unknown>
  ) =>
    Effect.promise(() =>
      picture(`form-${name}`, options, async (page) => {
        const isScripted = options.javaScriptEnabled !== false
        await page.route(`${url}${path}`, (route) =>
          route.fulfill({ contentType: "text/html", body: pageOf(websiteConfigId, isScripted) })
        )
        await page.goto(`${url}${path}`)
        if (isScripted) await page.waitForFunction("document.adoptedStyleSheets.length > 0")
        for (const [label, value] of Object.entries(fields)) await page.getByLabel(label).fill(value)
        await action(page)
      })
    )
  const filled = { Name: "Ada Lovelace", Email: "ada@example.org", Message: "We are four." }
  for (const [size, options] of twoSizes) {
    const window = size === "desktop" ? { viewport: { width: 800, height: 700 } } : options
    for (const [name, action] of Object.entries(states)) {
      yield* takeForm(`${name}-${size}`, window, name === "invalid" ? {} : filled, action)
    }
    const plain = { ...window, javaScriptEnabled: false }
    yield* takeForm(`plain-sent-${size}`, plain, filled, async (page) => {
      await page.getByRole("button", { name: "Send" }).click()
      await page.locator("main.success").waitFor()
    })
    yield* takeForm(`plain-refused-${size}`, plain, { Email: "ada@example.org" }, async (page) => {
      await page.getByRole("button", { name: "Send" }).click()
      await page.locator("main.failure").waitFor()
    })
  }

  const takePage = (name: string, address: string, options: BrowserContextOptions, action: PageAction = nothing) =>
    Effect.promise(() =>
      picture(name, options, async (page) => {
        await page.goto(`${url}${address}`)
        await action(page)
      })
    )
  for (const [size, options] of sizes) {
    yield* takePage(`start-${size}`, "/", options, (page) => page.getByText("The service is ready").waitFor())
    yield* takePage(`unknown-${size}`, "/nothing", options)
    yield* takePage(`docs-${size}`, "/docs", options)
    yield* takePage(`docs-guide-${size}`, "/docs/chat#your-website", options)
    yield* takePage(`docs-code-${size}`, "/docs/website", options, scrollToCode)
    yield* takePage(`docs-table-${size}`, "/docs/settings", options)
    yield* takePage(`docs-end-${size}`, "/docs/statistics", options, (page) =>
      page.evaluate("scrollTo(0, document.body.scrollHeight)")
    )
    yield* takePage(`docs-search-${size}`, "/docs/statistics", options, search)
    yield* takePage(`reference-${size}`, "/docs/reference", options, referenceShown)
  }
  yield* takePage("reference-owner", "/docs/reference/owner", wide, referenceShown)
  yield* takePage("docs-list-phone", "/docs/statistics", phone, (page) => page.getByText("All guides").click())
  yield* takePage("unsubscribe-invalid", "/v1/public/mail/unsubscribe/of-nobody", phone)
})
