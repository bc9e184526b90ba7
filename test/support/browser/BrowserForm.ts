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
    /** Whether the page's clock is stopped: then only `passTime` moves it. */
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

// The following act by scripts of the page: the first locator in a page takes as much processor time as opening the page.

/** Runs a script in the page. Undefined if the page is being left. */
const look = <A>(page: Page, script: string): Promise<A | undefined> =>
  page.evaluate<A>(script).catch((error: unknown) => {
    if (!/context was destroyed|navigation/i.test(String(error))) throw error
    return undefined
  })

/** The text of an element, empty as long as it does not exist. */
export const textOf = async (page: Page, selector: string): Promise<string> =>
  (await look<string>(page, `document.querySelector(${JSON.stringify(selector)})?.textContent`)) ?? ""

/** The value of a field. */
export const valueOf = (page: Page, name: string) =>
  Effect.promise(() => page.evaluate<string>(`document.querySelector('[name="${name}"]').value`))

/** Replaces the values of fields as typing does, with the focus and the events of it. */
export const fill = (page: Page, values: Record<string, string>) =>
  until(`the fields ${Object.keys(values)}`, () =>
    look<boolean>(
      page,
      `(() => {
        const values = Object.entries(${JSON.stringify(values)}).map(([name, value]) =>
          [document.querySelector('[name="' + name + '"]'), value])
        if (values.some(([field]) => field === null || field.disabled || !field.checkVisibility())) return false
        for (const [field, value] of values) {
          field.focus()
          field.select()
          if (value === "") document.execCommand("delete")
          else document.execCommand("insertText", false, value)
          if (field.value !== value) throw new Error("The field refuses " + value)
        }
        return true
      })()`
    )
  )

/** Presses the button of the form as soon as it is enabled. */
export const press = (page: Page) =>
  until("the button of the form", () =>
    look<boolean>(
      page,
      `(() => {
        const button = [...document.querySelectorAll("button")].find(({ textContent }) => textContent.includes("Send"))
        if (button === undefined || button.disabled || !button.checkVisibility()) return false
        button.focus()
        button.click()
        return true
      })()`
    )
  )

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
