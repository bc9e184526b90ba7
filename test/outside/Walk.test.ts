/**
 * Starts the demo as the README says, in an empty data folder, and walks through it as a newcomer with a new browser profile.
 * Imports nothing of `src`.
 */
import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import path from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { BrowserContext, Locator, Page } from "playwright-core"
import { Chromium, inChromium } from "../support/browser/Browser.ts"
import * as ServerFiles from "../support/postgres/ServerFiles.ts"
import { pause, until } from "../support/Wait.ts"

const root = path.resolve(import.meta.dirname, "../..")

/**
 * When and where the newcomer walks: a few seconds before the clocks change. It is in the future of every machine's PostgreSQL,
 * whose own date is not set: it would delete old data.
 */
const date = "2040-11-04T05:59:50Z"
const timeZone = "America/New_York"

const folder = Effect.acquireRelease(
  Effect.sync(() => {
    const made = mkdtempSync(path.join(ServerFiles.folder(), "hydracore-walk-"))
    // As root, the demo runs PostgreSQL as another user.
    chmodSync(made, 0o711)
    return made
  }),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
)

/**
 * Runs `npm start` and waits until it prints the demo's URL. `--ignore-scripts` keeps npm from installing packages during the
 * tests. The scope ends the demo, as Ctrl-C does.
 */
const start = Effect.gen(function* () {
  const dataFolder = yield* folder
  const { ended, output } = yield* Effect.acquireRelease(
    Effect.sync(() => {
      // The programs that npm starts are in the same process group.
      const child = spawn("npm", ["start", "--ignore-scripts"], {
        cwd: root,
        detached: true,
        env: {
          PATH: process.env["PATH"],
          HOME: dataFolder,
          TZ: timeZone,
          PORT: "0",
          HYDRACORE_DATA_DIR: dataFolder,
          PROGRAM_DATE: date,
          NODE_OPTIONS: `--import=${path.join(import.meta.dirname, "SetDate.mjs")}`
        },
        stdio: ["ignore", "pipe", "pipe"]
      })
      const kill = (signal: NodeJS.Signals) => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal)
      }
      const killOnExit = () => kill("SIGKILL")
      process.once("exit", killOnExit)
      let text = ""
      child.stdout.setEncoding("utf8").on("data", (more) => (text += more))
      child.stderr.setEncoding("utf8").on("data", (more) => (text += more))
      const ended = new Promise<void>((resolve) => {
        child.once("close", (code, signal) => {
          process.off("exit", killOnExit)
          text += `The demo ended: ${signal ?? code}\n`
          resolve()
        })
      })
      return { ended, kill, output: () => text }
    }),
    ({ ended, kill }) =>
      Effect.promise(() => {
        kill("SIGINT")
        return ended
      })
  )
  const isReady = until("the demo is ready", () => /^ +demo +(http:\S+)\/demo$/m.exec(output())?.[1])
  const url = yield* Effect.raceFirst(
    isReady,
    Effect.flatMap(
      Effect.promise(() => ended),
      () => Effect.die(new Error(output()))
    )
  )
  return { url, output }
})

const on = <A>(use: () => Promise<A>) => Effect.promise(use)

/** Waits for an element. The service and the browser share busy processors. */
const shown = (locator: Locator) => on(() => locator.first().waitFor({ timeout: 30_000 }))

const message = "We are five, and one of us has never paddled."
const question = "What does a day cost for a family of five?"

/** Follows the newsletter's link on `/demo`, sends the form and asks the assistant. */
const visit = Effect.fnUntraced(function* (page: Page) {
  const site = page.frameLocator("#frame")
  yield* shown(page.getByText("live", { exact: true }))
  yield* shown(page.locator("article.view"))
  yield* on(() => page.getByRole("link", { name: "a newsletter’s link" }).click())
  yield* shown(page.locator("article.view").getByText("campaign spring"))
  yield* on(() => site.getByRole("link", { name: "Contact", exact: true }).click())
  yield* on(() => site.getByLabel("Name").fill("Ada Lovelace"))
  yield* on(() => site.getByLabel("Email").fill("ada@example.com"))
  yield* on(() => site.getByRole("textbox", { name: "Message", exact: true }).fill(message))
  yield* on(() => site.getByRole("button", { name: "Send", exact: true }).click())
  yield* shown(site.getByText("Tusen takk!"))
  yield* shown(page.locator("article.submission").getByText(message))
  yield* on(() => site.getByRole("button", { name: "Open chat" }).click())
  yield* on(() => site.getByRole("textbox", { name: "Your message" }).fill(question))
  yield* on(() => page.keyboard.press("Enter"))
  // The answer is complete once it can be rated.
  yield* shown(site.getByRole("button", { name: "Good answer" }))
  yield* shown(page.locator("article.chat").getByText(question))
  assert.strictEqual(yield* on(() => page.locator("li.done").count()), 3)
})

/**
 * Opens the console with the link on `/demo`. Its overview is complete within two seconds by the page's clock, which runs at a
 * tenth of its rate meanwhile, because the machine may be busy.
 */
const openConsole = Effect.fnUntraced(function* (context: BrowserContext, page: Page) {
  const time = yield* on(() => page.evaluate<number>("Date.now()"))
  yield* on(() => context.clock.pauseAt(time + 1_000))
  const [opened] = yield* on(() =>
    Promise.all([context.waitForEvent("page"), page.getByRole("link", { name: "Console" }).click()])
  )
  yield* on(() => opened.waitForLoadState("load"))
  const visitors = opened.getByText("Visitors", { exact: true }).first()
  for (let millis = 0; millis < 2_000 && !(yield* on(() => visitors.isVisible())); millis += 20) {
    yield* on(() => context.clock.runFor(20))
    yield* pause(200)
  }
  assert.isTrue(yield* on(() => visitors.isVisible()), "the overview is visible after two seconds")
  yield* on(() => context.clock.resume())
  return opened
})

/** The pages of the console, in which the newcomer finds what they sent, beside the sample data. */
const readConsole = Effect.fnUntraced(function* (page: Page) {
  const open = (name: string) =>
    on(() =>
      page
        .getByRole("navigation")
        .getByRole("link", { name: new RegExp(`^${name}`) })
        .click()
    )
  const goals = page.getByText("Form submitted")
  yield* shown(goals)

  yield* open("Inbox")
  yield* on(() => page.getByRole("link", { name: "Ada Lovelace" }).first().click())
  yield* shown(page.getByText(message).last())
  yield* until("the submission has its campaign and was delivered", async () => {
    const text = await page.locator("main").textContent()
    if (
      /Campaign\s*spring/.test(`${text}`) &&
      /crm\.fjordlight\.example\s*Submission accepted\s*Delivered/.test(`${text}`)
    )
      return true
    await page.reload()
    await page.getByText(message).last().waitFor()
    return false
  })

  yield* open("Conversations")
  yield* shown(page.getByText("1 unanswered"))
  yield* shown(page.getByText("Rated bad"))
  yield* on(() => page.getByText(question).first().click())
  yield* shown(page.getByText("These are our tours"))
})

const readDocs = Effect.fnUntraced(function* (page: Page) {
  yield* on(() => page.getByRole("link", { name: "Guides", exact: true }).click())
  yield* shown(page.getByRole("heading", { name: "Guides" }))
  yield* on(() => page.getByRole("link", { name: "Chat", exact: true }).first().click())
  yield* shown(page.getByRole("heading", { level: 1, name: "Chat" }))
})

const walk = Effect.gen(function* () {
  const begun = performance.now()
  const { url } = yield* start
  const { context, errors, page, open } = yield* (yield* Chromium).visitor({
    viewport: { width: 1440, height: 900 },
    timezoneId: timeZone
  })
  yield* on(() => context.clock.install({ time: Date.parse(date) + performance.now() - begun }))
  yield* open(url)
  yield* on(() => page.getByRole("link", { name: "Open the demo" }).click())
  yield* visit(page)
  const console = yield* openConsole(context, page)
  yield* readConsole(console)
  yield* readDocs(page)
  assert.deepStrictEqual(errors, [])
}).pipe(Effect.scoped)

inChromium("a newcomer walks through the demo", Layer.empty, (it) => {
  it.effect("while the clocks change", () => walk)
})
