/**
 * How long a person waits for the console: to open the overview of the large website, to filter it, and to change the days.
 *
 * @module
 */
import { existsSync } from "node:fs"
import { Effect, Schema } from "effect"
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from "playwright-core"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names } from "./Measure.ts"
import * as Program from "./Program.ts"
import * as ReportData from "./ReportData.ts"
import * as Reports from "./Reports.ts"
import type * as TestBed from "./TestBed.ts"

export interface Options {
  readonly rounds: number
  /** The number of page views. */
  readonly reported: number
}

const executable =
  process.env["CHROMIUM_PATH"] ?? ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"].find(existsSync)

/** Milliseconds to wait for an element. */
const elementTimeout = 120_000

/**
 * A script that measures in the page. It is text, because the browser runs it. A page is whole in the first frame in which no
 * request is under way and nothing is marked as loading. Times are milliseconds from the navigation, or from the click.
 */
const observer = `
  {
    const send = window.fetch
    let open = 0
    window.fetch = async (...request) => {
      open++
      try { return await send(...request) } finally { open-- }
    }
    const isWhole = () => open === 0 && document.querySelector(".figure") !== null &&
      document.querySelector("[aria-busy=true], .skeleton, .stale") === null
    const whole = (begun) => new Promise((done) => {
      const look = () => isWhole() ? done(performance.now() - begun) : requestAnimationFrame(look)
      requestAnimationFrame(look)
    })
    const frame = (begun) => new Promise((done) => requestAnimationFrame(() => {
      // After the frame is painted.
      const painted = new MessageChannel()
      painted.port1.onmessage = () => done(performance.now() - begun)
      painted.port2.postMessage(0)
    }))
    window.hydracoreView = whole(0).then((whole) => ({ whole }))
    document.addEventListener("click", ({ timeStamp }) => {
      window.hydracoreView = frame(timeStamp).then(async (frame) => ({ frame, whole: await whole(timeStamp) }))
    }, true)
  }
`

/** The time until the page is whole after its navigation. */
const loadTime = async (page: Page) => (await page.evaluate<{ readonly whole: number }>("window.hydracoreView")).whole

/** Clicks, and returns the times until the next frame and until the page is whole. */
const click = async (page: Page, button: Locator) => {
  await button.click()
  return page.evaluate<{ readonly whole: number; readonly frame: number }>("window.hydracoreView")
}

/** One round, in a browser that has loaded nothing yet. */
const round = async (browser: Browser, session: Awaited<ReturnType<BrowserContext["storageState"]>>, url: string) => {
  const context = await browser.newContext({ storageState: session, viewport: { width: 1440, height: 900 } })
  context.setDefaultTimeout(elementTimeout)
  await context.addInitScript(observer)
  const page = await context.newPage()
  await page.goto(url)
  const whole = await loadTime(page)
  const paint = await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0].startTime")
  const filter = await click(page, page.locator("button.row").nth(1))
  await click(page, page.locator(".filter .remove"))
  await page.getByRole("button", { name: /^Days: / }).click()
  const days = await click(page, page.getByRole("menuitemradio", { name: "Last 12 months" }))
  await context.close()
  return { paint, whole, filter, days }
}

const Link = Schema.fromJsonString(Schema.Struct({ url: Schema.String }))

/** Opens the console with a link that the command line printed, and returns the session. */
const signIn = async (browser: Browser, link: string) => {
  const context = await browser.newContext()
  context.setDefaultTimeout(elementTimeout)
  const page = await context.newPage()
  await page.goto(link)
  await page.getByRole("button", { name: "Open the console" }).click()
  await page.getByRole("button", { name: "Not now" }).click()
  await page.getByRole("button", { name: /^Session: / }).waitFor()
  const session = await context.storageState()
  await context.close()
  return session
}

const toError = (cause: unknown) => new Program.BenchError({ message: `console: ${cause}` })

/** Fills a database, or uses that of an earlier run, and measures the console on it. Without Chromium, it measures nothing. */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  if (executable === undefined) {
    console.error("console: left out, because there is no Chromium. Install it, or set CHROMIUM_PATH to its program.")
    return []
  }
  const full = yield* ReportData.fill(testBed, edge, options.reported)
  yield* Reports.rollUp(testBed, full, options.reported)
  const rounds = yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Ports.free
      const base = `http://127.0.0.1:${port}`
      yield* Edge.serve(testBed, full, port, { settings: { CONSOLE: "on" } })
      const site = full.site.websiteConfigId
      const args = ["console", "link", "--site", site, "--base-url", base]
      const { url } = yield* Edge.command(testBed, full.root, full.database, args, { CONSOLE: "on" }).pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Link)),
        Effect.mapError(toError)
      )
      const browser = yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () => chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] }),
          catch: toError
        }),
        (browser) => Effect.promise(() => browser.close())
      )
      const session = yield* Effect.tryPromise({ try: () => signIn(browser, url), catch: toError })
      return yield* Effect.forEach(Array.from({ length: options.rounds }), () =>
        Effect.tryPromise({ try: () => round(browser, session, `${base}/console/#/${site}/overview`), catch: toError })
      )
    })
  )
  for (const { days, filter, paint, whole } of rounds) {
    console.error(
      `console: painted after ${paint.toFixed(0)} ms, whole after ${whole.toFixed(0)} ms; ` +
        `a filter: painted after ${filter.frame.toFixed(0)} ms, whole after ${filter.whole.toFixed(0)} ms; ` +
        `twelve months: painted after ${days.frame.toFixed(0)} ms, whole after ${days.whole.toFixed(0)} ms`
    )
  }
  const row = (contender: string, of: (one: (typeof rounds)[number]) => number) => ({
    contender,
    samples: rounds.map(of)
  })
  const measures: ReadonlyArray<Measure> = [
    {
      id: "console-view",
      title: "The console's overview of the large website, opened in Chromium with an empty cache",
      unit: "ms",
      rows: [row("first contentful paint", ({ paint }) => paint), row(names.consoleWhole, ({ whole }) => whole)]
    },
    {
      id: "console-use",
      title: "The same page, from a click",
      unit: "ms",
      rows: [
        row(names.filterFrame, ({ filter }) => filter.frame),
        row("a click on a row: all numbers and lists", ({ filter }) => filter.whole),
        row(names.daysFrame, ({ days }) => days.frame),
        row("twelve months: all numbers and lists", ({ days }) => days.whole)
      ]
    }
  ]
  return measures
})
