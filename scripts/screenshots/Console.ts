/**
 * Pictures of the console: every page on a desktop and a phone, light and dark, of a busy website and of a new one, from right to
 * left, while it loads, and while the service fails. The websites are those of a service that this module starts, in memory.
 *
 * @module
 */
import { Effect, Option, Redacted, Stream } from "effect"
import type { BrowserContextOptions, Page } from "playwright-core"
import * as MemoryAgentStream from "../../src/memory/chat/AgentStream.ts"
import * as Mailer from "../../src/memory/mail/Mailer.ts"
import { AgentRefused } from "../../src/services/chat/AgentStream.ts"
import { TestServer, layer as testServer } from "../../test/support/TestServer.ts"
import * as ConsoleData from "./ConsoleData.ts"
import type { Take } from "./Take.ts"

const wide = { viewport: { width: 1440, height: 900 } }
/** Shows a whole page. */
const tall = { viewport: { width: 1440, height: 2400 } }
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2 }
const dark = { colorScheme: "dark" } as const

/** How the main pages are shown. */
const sizes: ReadonlyArray<readonly [name: string, options: BrowserContextOptions]> = [
  ["desktop", wide],
  ["dark", { ...wide, ...dark }],
  ["phone", phone],
  ["phone-dark", { ...phone, ...dark }]
]

/** How dialogs are shown. */
const twoSizes = [sizes[0]!, sizes[3]!]

/** The sections of the settings. */
const settings = ["install", "website", "goals", "forms", "mails", "webhooks", "assistants", "keys", "data"]

type Act = (page: Page) => Promise<void>

const nothing: Act = async () => {}

const loaded: Act = async (page) => {
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
  await page.locator("[aria-busy=true], .skeleton, .stale").first().waitFor({ state: "detached" })
}

const openFirst: Act = async (page) => {
  await page.locator(".entry a").first().click()
  await page.locator(".details header").waitFor()
}

const press =
  (name: string): Act =>
  (page) =>
    page.getByRole("button", { name, exact: true }).first().click()

const fromRightToLeft: Act = async (page) => {
  await page.addInitScript("addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl' })")
}

/** Answers every request for data with a status, or never. */
const answerWith =
  (status: number | null): Act =>
  async (page) => {
    await page.route(/\/v1\/owner\/(query|sites\/.)/, (route) =>
      status === null ? undefined : route.fulfill({ status, json: { detail: "" } })
    )
  }

/** Makes the counts of reports a million times as large. Smaller numbers are rates, durations and changes. */
const huge: Act = async (page) => {
  await page.addInitScript(`{
    const read = Response.prototype.json
    const scale = (_, value) => (typeof value === "number" && value > 100 ? value * 1e6 : value)
    Response.prototype.json = async function () {
      const value = await read.call(this)
      return this.url.endsWith("/query") ? JSON.parse(JSON.stringify(value), scale) : value
    }
  }`)
}

/** The agent of one instance refuses, the other ones answer. */
const agent: MemoryAgentStream.Script = ({ instance }) =>
  instance.name === "Concierge"
    ? Stream.fail(new AgentRefused({ reason: "it answered 401", status: 401 }))
    : MemoryAgentStream.texts([
        "I know our tours, prices and what to pack. Ask me when we leave, whether a tour suits children, ",
        "or what the weather on the fjord is like.\n\nFor a booking I need the day and the number of people."
      ])

const secretsKey = Redacted.make<Uint8Array>(new Uint8Array(32))

/** A service that discards its mails. */
const server = testServer(
  { secretsKey: Option.some(secretsKey) },
  agent,
  undefined,
  undefined,
  undefined,
  Option.some({
    mailer: Mailer.layer([]),
    sender: {
      from: { name: "HydraCore", address: "console@edge.example" },
      publicUrl: "https://edge.example",
      consoleUrl: null,
      secretsKey
    }
  })
)

interface More {
  /** What happens before the page is opened. */
  readonly before?: Act
  /** What happens when it is open. */
  readonly act?: Act
  /** Waits until the page shows what the picture is about; by default until it has loaded. */
  readonly until?: Act
}

export const takeAll = ({ alsoWebp, picture: take }: Take): Promise<void> =>
  Effect.gen(function* () {
    const { url } = yield* TestServer
    const { busy, cookie, fresh, named, share } = yield* ConsoleData.prepare
    const session = {
      cookies: [
        {
          name: "hydracore_console",
          value: cookie,
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
    const show = (
      name: string,
      fragment: string,
      options: BrowserContextOptions,
      { act = nothing, before = nothing, until = loaded }: More = {}
    ) =>
      Effect.promise(() =>
        take(`console-${name}`, options, async (page) => {
          await before(page)
          await page.goto(`${url}/console/${fragment}`)
          await page.locator("main > :not(.notice)").first().waitFor()
          await until(page)
          await act(page)
          await until(page)
        })
      )
    /** The same in a session. */
    const picture = (name: string, fragment: string, options: BrowserContextOptions, more: More | Act = {}) =>
      show(name, fragment, { ...options, storageState: session }, typeof more === "function" ? { act: more } : more)

    const overview = `#/${busy}/overview`
    const setUp = (section: string, site = busy) => `#/${site}/setup/${section}`
    yield* picture("readme", overview, { viewport: { width: 1280, height: 880 } }, (page) => alsoWebp(page, "console"))
    for (const [size, options] of sizes) {
      yield* picture(`overview-${size}`, overview, options)
      yield* picture(`live-${size}`, `#/${busy}/live`, options)
      yield* picture(`inbox-${size}`, `#/${busy}/inbox`, options, openFirst)
      yield* picture(`conversations-${size}`, `#/${busy}/conversations`, options, openFirst)
      yield* picture(`sharing-${size}`, `#/${busy}/sharing`, options)
      yield* picture(`sites-${size}`, "#/", options)
      yield* show(`shared-${size}`, `#/share/${share}`, options)
      yield* show(`link-${size}`, "#/link/hcl_of_nobody", options)
      for (const section of settings) yield* picture(`setup-${section}-${size}`, setUp(section), options)
    }
    for (const [size, options] of [
      ["whole", tall],
      ["phone-whole", { ...phone, viewport: { width: 360, height: 3600 }, deviceScaleFactor: 1 }]
    ] as const) {
      yield* picture(`overview-${size}`, overview, options)
      yield* show(`shared-${size}`, `#/share/${share}`, options)
    }
    yield* picture("overview-huge", overview, wide, { before: huge })
    yield* picture("overview-huge-phone", overview, phone, { before: huge })
    yield* picture("overview-huge-list", `${overview}?list=page`, phone, { before: huge })
    yield* picture("overview-4k", overview, { viewport: { width: 3840, height: 2160 } })
    for (const [page, act] of [
      ["overview", nothing],
      ["inbox", openFirst],
      ["conversations", openFirst],
      ["sharing", nothing],
      ["setup/webhooks", nothing]
    ] as const) {
      const name = `${page.replace("/", "-")}-rtl`
      yield* picture(name, `#/${busy}/${page}`, wide, { before: fromRightToLeft, act })
      yield* picture(`${name}-phone`, `#/${busy}/${page}`, phone, { before: fromRightToLeft, act })
    }
    yield* picture("overview-filtered", `${overview}?range=91d&country=NO&source=www.google.com&metric=pageviews`, wide)
    yield* picture("overview-point", overview, wide, async (page) => {
      await page.getByRole("slider").focus()
      await page.keyboard.press("Home")
      for (let step = 0; step < 12; step++) await page.keyboard.press("ArrowRight")
    })
    yield* picture("overview-table", overview, wide, press("Table"))
    yield* picture("overview-menu", overview, wide, (page) => page.getByRole("button", { name: /^Days: / }).click())
    yield* picture("overview-list", `${overview}?list=page`, wide)
    yield* picture("overview-today", `${overview}?range=day`, wide)
    yield* picture("inbox-list-phone", `#/${busy}/inbox`, phone)
    yield* picture("inbox-quarantined", `#/${busy}/inbox?folder=quarantine`, wide, openFirst)
    yield* picture("inbox-selected", `#/${busy}/inbox`, wide, async (page) => {
      for (const index of [0, 2]) await page.locator(".entry input").nth(index).check()
    })
    for (const [size, options] of [
      ["long", wide],
      ["long-phone", phone]
    ] as const) {
      yield* picture(`overview-${size}`, `#/${named}/overview`, options)
      yield* picture(`setup-website-${size}`, setUp("website", named), options)
    }
    for (const page of ["overview", "live", "inbox", "conversations", "sharing"]) {
      yield* picture(`${page}-new`, `#/${fresh}/${page}`, wide)
      yield* picture(`${page}-new-phone`, `#/${fresh}/${page}`, phone)
    }
    for (const section of settings) yield* picture(`setup-${section}-new`, setUp(section, fresh), wide)
    for (const [size, options] of twoSizes) {
      const dialog = (name: string, section: string, act: Act) =>
        picture(`setup-${name}-${size}`, setUp(section), options, act)
      yield* dialog("goal", "goals", press("New goal"))
      yield* dialog("mail", "mails", press("Add a recipient"))
      yield* dialog("key", "keys", press("New key"))
      yield* dialog("webhook", "webhooks", press("New webhook"))
      yield* dialog("assistant", "assistants", press("New assistant"))
      yield* dialog("token", "assistants", async (page) => {
        await press("Issue a token")(page)
        await page.getByRole("dialog").getByRole("button", { name: "Create" }).click()
        await page.getByRole("heading", { name: "The tag of the chat" }).waitFor()
      })
      yield* dialog("rules", "forms", press("Edit"))
      yield* dialog("delete", "website", press("Delete the website"))
      yield* dialog("deliveries", "webhooks", async (page) => {
        await page.getByRole("button", { name: "Deliveries" }).nth(1).click()
        await page.locator(".deliveries button").first().click()
        await page.locator(".attempts").waitFor()
      })
      yield* dialog("try", "assistants", async (page) => {
        await press("Try")(page)
        await press("Ask")(page)
        await page.getByText("The first word came after").waitFor()
      })
      yield* dialog("try-refused", "assistants", async (page) => {
        await page.getByRole("button", { name: "Try" }).nth(1).click()
        await press("Ask")(page)
        await page.getByText("It refuses the key").waitFor()
      })
      yield* dialog("limits", "assistants", async (page) => {
        await press("New assistant")(page)
        await page.getByText("Limits and details").click()
        await page.getByLabel("Header of the key").scrollIntoViewIfNeeded()
      })
      yield* dialog("rules-json", "forms", async (page) => {
        await page.getByRole("listitem").filter({ hasText: "coupon" }).getByRole("button", { name: "Edit" }).click()
      })
      yield* dialog("token-form", "assistants", press("Issue a token"))
      yield* dialog("erase", "data", async (page) => {
        await page.getByLabel("Email address").fill("ada@example.org")
        await press("Delete")(page)
      })
      yield* picture(`new-site-${size}`, "#/", options, press("New website"))
      yield* picture(`sharing-link-${size}`, `#/${busy}/sharing`, options, async (page) => {
        await page.getByLabel("Name").fill("Kari Nordmann")
        await press("Create a link")(page)
        await page.getByText("Send this link to Kari Nordmann.").waitFor()
      })
      yield* picture(`sharing-remove-${size}`, `#/${busy}/sharing`, options, press("Remove Agency Nordlys"))
      yield* picture(`overview-days-${size}`, overview, options, async (page) => {
        await page.getByRole("button", { name: /^Days: / }).click()
        await page.getByRole("menuitemradio", { name: "Choose days…" }).click()
        await page.getByLabel("First day").fill("2026-12-31")
        await page.getByLabel("Last day").fill("2026-01-01")
      })
      yield* picture(`ended-${size}`, setUp("goals"), options, async (page) => {
        await press("New goal")(page)
        await page.getByLabel("Path").fill("/thanks")
        await page.context().clearCookies()
        await press("Create")(page)
        await page.getByRole("heading", { name: "Your session has ended" }).waitFor()
      })
      yield* dialog("refused", "webhooks", async (page) => {
        await press("New webhook")(page)
        await page.getByLabel("Address").fill("http://10.0.0.1/")
        await press("Create")(page)
        await page.getByText("has no address on the public internet").waitFor()
      })
    }
    for (const [size, options] of twoSizes) {
      for (const page of ["overview", "inbox", "conversations", "sharing", "setup/webhooks"]) {
        const name = page.replace("/", "-")
        const skeleton: More = {
          before: answerWith(null),
          until: (page) => page.locator("[aria-busy=true], .skeleton").first().waitFor()
        }
        yield* picture(`${name}-skeleton-${size}`, `#/${busy}/${page}`, options, skeleton)
        yield* picture(`${name}-error-${size}`, `#/${busy}/${page}`, options, {
          before: answerWith(500),
          until: (page) => page.locator(".problem, .message").first().waitFor()
        })
      }
    }
    yield* show("signed-out", "#/", wide)
    yield* picture("not-found", "#/9b2f3e52-0000-4000-8000-000000000000/overview", wide)
    yield* show("shared-over", "#/share/hsh_of_nothing", wide)
    yield* show("link-spent", "#/link/hcl_of_nobody", wide, { act: press("Open the console") })
    yield* picture("overview-offline", overview, wide, {
      until: nothing,
      act: async (page) => {
        await loaded(page)
        await page.context().setOffline(true)
        await page.getByRole("button", { name: /^Days: / }).click()
        await page.getByRole("menuitemradio", { name: "Last 7 days" }).click()
        await page.getByText("There is no connection to the service.").waitFor()
      }
    })
  }).pipe(Effect.provide(server), Effect.runPromise)
