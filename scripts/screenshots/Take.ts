/**
 * How the pictures are taken.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"

export interface Take {
  /** Takes a picture of a page in the state that `action` brings about. */
  readonly picture: (
    name: string,
    options: BrowserContextOptions,
    action: (page: Page) => Promise<void>
  ) => Promise<void>
  /** Takes a picture of the page as it is now. */
  readonly capture: (page: Page, name: string) => Promise<void>
  /** Takes a picture of the page as it is now, in WebP, for the guides. */
  readonly captureWebp: (page: Page, name: string) => Promise<void>
  /** How many pictures were taken, and the names of those that could not be taken. */
  readonly outcome: () => { readonly taken: number; readonly failed: ReadonlyArray<string> }
}

/** Milliseconds for a picture, on a machine that is busy. A page that does not reach its state costs no more. */
const timeout = 60_000

/** Fails if Chromium does not start. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
    // The tracker ignores browsers that report automation.
    args: ["--no-sandbox", "--disable-gpu", "--disable-blink-features=AutomationControlled"]
  })

/**
 * Creates a folder, and writes pictures into it. `picture` skips a name that contains none of the words. It prints the names
 * of the other pictures, the errors that their pages log, and why a picture could not be taken.
 */
export const into = async (folder: string, browser: Browser, words: ReadonlyArray<string>): Promise<Take> => {
  mkdirSync(folder, { recursive: true })
  // The user agent of a headless browser contains "Headless", and the service counts such a browser as a bot.
  const blank = await browser.newPage()
  const userAgent = (await blank.evaluate<string>("navigator.userAgent")).replace("Headless", "")
  await blank.close()

  let taken = 0
  const failed: Array<string> = []
  const capture: Take["capture"] = async (page, name) => {
    await page.screenshot({ path: path.join(folder, `${name}.png`) })
  }
  return {
    capture,
    outcome: () => ({ taken, failed }),
    // Playwright writes no WebP; Chromium does.
    captureWebp: async (page, name) => {
      const session = await page.context().newCDPSession(page)
      const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 })
      writeFileSync(path.join(folder, `${name}.webp`), data, "base64")
    },
    picture: async (name, options, action) => {
      if (!words.some((word) => name.includes(word))) return
      const context = await browser.newContext({ reducedMotion: "reduce", userAgent, ...options })
      context.setDefaultTimeout(timeout)
      // A picture waits for several states. Closing its pages ends what it waits for.
      const end = setTimeout(() => void context.close(), timeout)
      const page = await context.newPage()
      page.on("console", (message) => {
        if (message.type() === "error") console.error(`${name}: ${message.text()}`)
      })
      try {
        await action(page)
        await capture(page, name)
        taken++
        console.log(`${name}.png`)
      } catch (error) {
        failed.push(name)
        process.exitCode = 1
        console.error(`${name}: ${error instanceof Error ? error.message : error}`)
      }
      clearTimeout(end)
      await context.close()
    }
  }
}
