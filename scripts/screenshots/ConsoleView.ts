/**
 * How pictures of the console are taken: the sizes of the window, the websites, and what is done on a page before its picture.
 *
 * @module
 */
import { Effect } from "effect"
import type { BrowserContextOptions, Page } from "playwright-core"
import type * as ConsoleData from "./ConsoleData.ts"
import type { Take } from "./Take.ts"

export const wide = { viewport: { width: 1440, height: 900 } }

/** Phones have overlay scrollbars, which take no space. */
export const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }

const dark = { colorScheme: "dark" } as const

type Sizes = ReadonlyArray<readonly [name: string, options: BrowserContextOptions]>

/** How the main pages are shown. */
export const sizes: Sizes = [
  ["desktop", wide],
  ["dark", { ...wide, ...dark }],
  ["tablet", { viewport: { width: 820, height: 1180 } }],
  ["phone", phone],
  ["phone-dark", { ...phone, ...dark }]
]

/** How dialogs and failures are shown. */
export const twoSizes: Sizes = [sizes[0]!, sizes.at(-1)!]

/** The sections of the settings. */
export const sections = [
  "install",
  "problems",
  "website",
  "goals",
  "forms",
  "mails",
  "webhooks",
  "assistants",
  "keys",
  "data"
]

export type PageAction = (page: Page) => Promise<void>

export const nothing: PageAction = async () => {}

export const loaded: PageAction = async (page) => {
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
  await page.locator("[aria-busy=true], .skeleton, .stale").first().waitFor({ state: "detached" })
}

export const openFirst: PageAction = async (page) => {
  await page.locator(".entry a").first().click()
  await page.locator(".details header").waitFor()
}

export const press =
  (name: string): PageAction =>
  (page) =>
    page.getByRole("button", { name, exact: true }).first().click()

interface More {
  /** What happens before the page is opened. */
  readonly before?: PageAction
  /** What happens when it is open. */
  readonly action?: PageAction
  /** Waits until the page shows what the picture is about; by default until it has loaded. */
  readonly until?: PageAction
}

export interface View {
  /** Takes a picture of a page without a session. */
  readonly pictureWithoutSession: (
    name: string,
    fragment: string,
    options: BrowserContextOptions,
    more?: More | PageAction
  ) => Effect.Effect<void>
  /** Takes a picture of a page in a session with access to all websites. */
  readonly picture: View["pictureWithoutSession"]
  readonly sites: Effect.Success<typeof ConsoleData.prepare>
  /** The fragment of the console's address that opens a page of the busy website. */
  readonly busy: (page: string) => string
}

export const make = ({ picture: take }: Take, url: string, sites: Effect.Success<typeof ConsoleData.prepare>): View => {
  const session = {
    cookies: [
      {
        name: "hydracore_console",
        value: sites.cookie,
        domain: new URL(url).hostname,
        path: "/",
        expires: -1,
        httpOnly: true,
        secure: false,
        sameSite: "Strict" as const
      }
    ],
    origins: []
  }
  const pictureWithoutSession: View["pictureWithoutSession"] = (name, fragment, options, more = {}) => {
    const { action = nothing, before = nothing, until = loaded } = typeof more === "function" ? { action: more } : more
    return Effect.promise(() =>
      take(`console-${name}`, options, async (page) => {
        await before(page)
        await page.goto(`${url}/console/${fragment}`)
        await page.locator("main > :not(.notice)").first().waitFor()
        await until(page)
        await action(page)
        await until(page)
      })
    )
  }
  return {
    pictureWithoutSession,
    picture: (name, fragment, options, more) =>
      pictureWithoutSession(name, fragment, { ...options, storageState: session }, more),
    sites,
    busy: (page) => `#/${sites.busy}/${page}`
  }
}
