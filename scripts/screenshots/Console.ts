/**
 * Pictures of the console: every page on a desktop and a phone, light and dark, of a busy website and of a new one, and while the
 * service does not answer. The websites are those of a service that this module starts, in memory.
 *
 * @module
 */
import { Clock, Effect, Option, Redacted } from "effect"
import type { BrowserContextOptions, Page } from "playwright-core"
import { ConsoleSessions } from "../../src/services/sites/ConsoleSessions.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import * as ConversationData from "../../test/support/console/ConversationData.ts"
import * as SetUpData from "../../test/support/console/SetUpData.ts"
import * as SiteData from "../../test/support/console/SiteData.ts"
import { TestServer, layer as testServer } from "../../test/support/TestServer.ts"

/** Takes a picture of a page in a state that `act` makes. */
export type Take = (name: string, options: BrowserContextOptions, act: (page: Page) => Promise<void>) => Promise<void>

const wide = { viewport: { width: 1440, height: 900 } }
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }
const dark = { colorScheme: "dark" } as const

/** The websites, by what the pictures show of them. */
const prepare = Effect.gen(function* () {
  const sites = yield* SiteDirectory
  const now = yield* Clock.currentTimeMillis
  const create = Effect.fnUntraced(function* (name: string, visitsPerDay: number) {
    const site = yield* sites.create({ name, origins: [], timeZone: "Europe/Oslo" })
    if (visitsPerDay > 0) yield* SiteData.store({ site, now, days: 75, visitsPerDay, seed: name.length })
    return site.websiteConfigId
  })
  const busy = yield* create("Fjordlight Kayaks", 90)
  const instance = yield* ConversationData.newInstance(busy, "Guide")
  for (const turns of ConversationData.examples) yield* ConversationData.store(instance, ...turns)
  yield* create("Harbour Coffee Roasters", 12)
  yield* create("Studio Lindqvist", 25)
  yield* SetUpData.store(busy)
  return { busy, fresh: yield* create("New website", 0) }
})

/** An address that opens the console, once. */
const newLink = Effect.gen(function* () {
  const { url } = yield* TestServer
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  const created = yield* ConsoleSessions.use((sessions) =>
    sessions.createLink({ role: "owner", sites: "all", label: null, linkExpiresAt })
  )
  return `${url}/console/#/link/${Option.getOrThrow(created).link}`
})

const loaded = async (page: Page) => {
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
  await page.locator("[aria-busy=true], .skeleton, .stale").first().waitFor({ state: "detached" })
}

/** The sections of the settings. */
const settings = ["install", "website", "goals", "forms", "mails", "webhooks", "assistants", "access"]

const nothing = async () => {}

const openFirst = async (page: Page) => {
  await page.locator(".entry a").first().click()
  await page.locator(".details header").waitFor()
}

export const takeAll = (take: Take): Promise<void> =>
  Effect.gen(function* () {
    const { busy, fresh } = yield* prepare
    const picture = Effect.fnUntraced(function* (
      name: string,
      fragment: string,
      options: BrowserContextOptions,
      act: (page: Page) => Promise<void> = nothing
    ) {
      const link = yield* newLink
      yield* Effect.promise(() =>
        take(`console-${name}`, options, async (page) => {
          await page.goto(link)
          await page.getByRole("button", { name: "Open the console" }).click()
          await page.getByRole("button", { name: /^Session: / }).waitFor()
          await page.evaluate(`location.hash = ${JSON.stringify(fragment)}`)
          await loaded(page)
          await act(page)
          await loaded(page)
        })
      )
    })
    const overview = `#/${busy}/overview`
    for (const [size, options] of [
      ["desktop", wide],
      ["dark", { ...wide, ...dark }],
      ["phone", phone],
      ["phone-dark", { ...phone, ...dark }]
    ] as const) {
      yield* picture(`overview-${size}`, overview, options)
      yield* picture(`inbox-${size}`, `#/${busy}/inbox`, options, openFirst)
      yield* picture(`conversations-${size}`, `#/${busy}/conversations`, options, openFirst)
      yield* picture(`sites-${size}`, "#/", options)
      for (const section of settings) yield* picture(`setup-${section}-${size}`, `#/${busy}/setup/${section}`, options)
    }
    yield* picture("overview-filtered", `${overview}?range=91d&country=NO&source=www.google.com&metric=pageviews`, wide)
    yield* picture("overview-point", overview, wide, async (page) => {
      await page.getByRole("slider").focus()
      await page.keyboard.press("Home")
      for (let step = 0; step < 12; step++) await page.keyboard.press("ArrowRight")
    })
    yield* picture("overview-menu", overview, wide, (page) => page.getByRole("button", { name: /^Days: / }).click())
    yield* picture("overview-list", `${overview}?list=page`, wide)
    yield* picture("overview-new", `#/${fresh}/overview`, wide)
    yield* picture("inbox-new", `#/${fresh}/inbox`, wide)
    yield* picture("conversations-new", `#/${fresh}/conversations`, wide)
    for (const section of settings) yield* picture(`setup-${section}-new`, `#/${fresh}/setup/${section}`, wide)
    for (const [size, options] of [
      ["desktop", wide],
      ["phone-dark", { ...phone, ...dark }]
    ] as const) {
      const setUp = (section: string) => `#/${busy}/setup/${section}`
      const press = (name: string) => (page: Page) => page.getByRole("button", { name, exact: true }).first().click()
      yield* picture(`setup-webhook-${size}`, setUp("webhooks"), options, press("New webhook"))
      yield* picture(`setup-assistant-${size}`, setUp("assistants"), options, press("New assistant"))
      yield* picture(`setup-rules-${size}`, setUp("forms"), options, press("Edit"))
      yield* picture(`setup-delete-${size}`, setUp("website"), options, press("Delete the website"))
      yield* picture(`setup-deliveries-${size}`, setUp("webhooks"), options, async (page) => {
        await page.getByRole("button", { name: "Deliveries" }).nth(1).click()
        await page.locator(".deliveries button").first().click()
        await page.locator(".attempts").waitFor()
      })
      yield* picture(`setup-refused-${size}`, setUp("webhooks"), options, async (page) => {
        await press("New webhook")(page)
        await page.getByLabel("Address").fill("http://10.0.0.1/")
        await press("Create")(page)
        await page.getByText("has no address on the public internet").waitFor()
      })
    }
    yield* picture("overview-offline", overview, wide, async (page) => {
      await page.context().setOffline(true)
      await page.getByRole("button", { name: /^Days: / }).click()
      await page.getByRole("menuitemradio", { name: "Last 7 days" }).click()
      await page.getByText("There is no connection to the service.").waitFor()
      await page.context().setOffline(false)
    })
  }).pipe(Effect.provide(testServer({ secretsKey: Option.some(Redacted.make(new Uint8Array(32))) })), Effect.runPromise)
