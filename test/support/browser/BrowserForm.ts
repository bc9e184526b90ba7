/**
 * A page with an enhanced form, and a visitor's actions, for tests.
 *
 * @module
 */
import { Effect } from "effect"
import type { Page } from "playwright-core"
import { paths, TestServer } from "../TestServer.ts"
import { submissionsOf } from "../TestSubmissions.ts"
import { until } from "../Wait.ts"
import { stopClock, type VisitorOptions } from "./Browser.ts"
import * as BrowserSite from "./BrowserSite.ts"
import type { Fault, Received } from "./Network.ts"

export const fields = `
  <label>Name <input name="name" required></label>
  <label>Email <input name="email" type="email"></label>
  <label>Message <textarea name="message"></textarea></label>
  <button>Send</button>`

export interface Sent {
  readonly site_id: string
  readonly form_data: Record<string, unknown>
  readonly email?: string
  readonly page_slug?: string
}

/** Opens a page with an enhanced form. */
export const make = Effect.fnUntraced(function* (
  options: VisitorOptions & {
    readonly attributes?: string
    readonly fields?: string
    /** Whether the page's clock is stopped: then only `page.clock.runFor` advances time. */
    readonly stoppedClock?: boolean
  } = {}
) {
  const { attributes = "", stoppedClock = false, fields: inner = fields, ...visitorOptions } = options
  const site = yield* BrowserSite.make(visitorOptions)
  const { edge, open, page, pages, relay, script } = site
  pages["/contact"] = `<title>Contact</title>
    <form data-hydracore-form data-site="${edge.websiteConfigId}" data-page="contact" ${attributes}>${inner}</form>
    ${script()}
    <script>
      window.receivedEvents = []
      for (const name of ["submit", "success", "error"])
        addEventListener("hydracore:" + name, (event) => receivedEvents.push([name, event.detail]))
    </script>`
  if (stoppedClock) yield* stopClock(page)
  yield* open(`${site.site.url}/contact`)
  yield* until("the enhanced form", () => page.evaluate<boolean>("!!document.querySelector('[name=hydracore_hp]')"))
  return {
    ...site,
    /** The sent submissions, oldest first. */
    sent: (): ReadonlyArray<Sent> => relay.of(paths.submit).map(({ body }) => JSON.parse(body) as unknown as Sent),
    keys: () => relay.of(paths.submit).map(({ headers }) => headers["idempotency-key"]),
    status: () => textOf(page, "[role=status]"),
    receivedEvents: () => page.evaluate<ReadonlyArray<[string, Record<string, unknown>]>>("receivedEvents")
  }
})

export const textOf = async (page: Page, selector: string): Promise<string> =>
  (await page.locator(selector).textContent()) ?? ""

export const fill = (page: Page, values: Record<string, string>) =>
  Effect.promise(async () => {
    for (const [name, value] of Object.entries(values)) await page.locator(`[name="${name}"]`).fill(value)
  })

export const press = (page: Page) => Effect.promise(() => page.getByRole("button", { name: "Send" }).click())

export const isSubmit = ({ method, path }: Received) => method === "POST" && path.startsWith(paths.submit)

export const says = (status: () => Promise<string>, text: string) =>
  until(`the form says: ${text}`, async () => (await status()).includes(text))

/** The stored submissions whose form data contains `mark`. */
export const stored = (mark: string) =>
  Effect.gen(function* () {
    const { websiteConfigId } = yield* TestServer
    const all = yield* submissionsOf(websiteConfigId)
    return all.filter(({ formData }) => formData.includes(mark))
  })

export const validationFault = (
  ...errors: ReadonlyArray<{ loc: ReadonlyArray<string | number>; msg: string }>
): Fault => ({
  _tag: "Answer",
  status: 422,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ detail: errors.map((error) => ({ ...error, type: "value_error" })) })
})
