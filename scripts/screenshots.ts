/**
 * Takes screenshots of the demo and of the chat:
 *
 *     node scripts/screenshots.ts <folder> [URL of a running `npm start`, http://127.0.0.1:8080]
 *
 * `demo.webp` is the README's picture; copy it to `src/docs`.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type BrowserContextOptions, chromium, type Page } from "playwright-core"

const usage = "node scripts/screenshots.ts <folder> [URL of a running `npm start`, http://127.0.0.1:8080]"

const fail = (message: string): never => {
  console.error(message)
  process.exit(1)
}

const args = process.argv.slice(2)
if (args.includes("--help") || args.includes("-h")) {
  console.log(usage)
  process.exit(0)
}
const flag = args.find((arg) => arg.startsWith("-"))
if (flag !== undefined) fail(`Unknown flag ${flag}. Usage: ${usage}`)
const [folder = fail(`The folder is missing. Usage: ${usage}`), base = "http://127.0.0.1:8080"] = args

const isDemo = await fetch(`${base}/demo`, { signal: AbortSignal.timeout(10_000) }).then(
  (response) => response.ok,
  () => false
)
if (!isDemo) fail(`No demo runs at ${base}. Start it with \`npm start\`, or give its URL after the folder.`)

const browser = await chromium
  .launch({
    executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
    // The tracker ignores browsers that report automation.
    args: ["--no-sandbox", "--disable-gpu", "--disable-blink-features=AutomationControlled"]
  })
  .catch(() => fail("Chromium did not start. Install it, or set CHROMIUM_PATH to its program."))
mkdirSync(folder, { recursive: true })

/** The user agent of a headless browser says so, and the service counts it as a robot. */
const userAgent = (await (await browser.newPage()).evaluate<string>("navigator.userAgent")).replace("Headless", "")

const take = (page: Page, name: string) => page.screenshot({ path: path.join(folder, `${name}.png`) })

/** Playwright writes no WebP; Chromium does. */
const takeWebp = async (page: Page, name: string) => {
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 })
  writeFileSync(path.join(folder, `${name}.webp`), data, "base64")
}

const screenshot = async (name: string, options: BrowserContextOptions, act: (page: Page) => Promise<void>) => {
  const context = await browser.newContext({ reducedMotion: "reduce", userAgent, ...options })
  const page = await context.newPage()
  page.on("console", (message) => {
    if (message.type() === "error") console.error(`${name}: ${message.text()}`)
  })
  await act(page)
  await take(page, name)
  await context.close()
  console.log(`${name}.png`)
}

const wide = { viewport: { width: 1440, height: 900 } }
const tablet = { viewport: { width: 900, height: 760 } }
const phone = { viewport: { width: 320, height: 640 } }

const openChat = async (page: Page) => {
  await page.goto(`${base}/demo/site`)
  await page.getByRole("button", { name: "Open chat" }).click()
}

const send = async (page: Page, text: string) => {
  const input = page.getByRole("textbox", { name: "Your message" })
  await input.fill(text)
  await input.press("Enter")
}

const waitForReply = (page: Page) =>
  page.locator(".message-agent:last-child:not(.writing)").getByText("instead of me").waitFor()

await screenshot("demo-start", wide, async (page) => {
  await page.goto(`${base}/demo`)
  await page.getByText("live", { exact: true }).waitFor()
  await page.locator("article.view").first().waitFor()
})

await screenshot("demo-used", wide, async (page) => {
  await page.goto(`${base}/demo`)
  const site = page.frameLocator("#frame")
  await site.getByRole("link", { name: "Tours", exact: true }).click()
  await site.getByRole("heading", { name: "Three ways into the fjord" }).waitFor()
  await take(page, "demo-tours")
  await site.getByRole("link", { name: "Contact", exact: true }).click()
  await site.getByLabel("Name").fill("Ada Lovelace")
  await site.getByLabel("Email").fill("ada@example.org")
  await site
    .getByRole("textbox", { name: "Message", exact: true })
    .fill("We are four, and one of us is nine years old.")
  await site.getByRole("button", { name: "Send", exact: true }).click()
  await page.locator("article.submission").first().waitFor()
  await site.getByRole("button", { name: "Open chat" }).click()
  const input = site.getByRole("textbox", { name: "Your message" })
  await input.fill("Is there a tour for children?")
  await input.press("Enter")
  await page.locator("article.chat").first().locator(".token").nth(24).waitFor()
  await takeWebp(page, "demo")
})

await screenshot("demo-narrow", { viewport: { width: 390, height: 844 } }, async (page) => {
  await page.goto(`${base}/demo`)
  await page.locator("article.view").first().waitFor()
})

await screenshot("site-phone", phone, async (page) => {
  await page.goto(`${base}/demo/site/contact`)
  await page.getByRole("button", { name: "Open chat" }).waitFor()
})

await screenshot("chat-open", tablet, openChat)

await screenshot("chat-streaming", tablet, async (page) => {
  await openChat(page)
  await send(page, "What can you do?")
  await page.getByText("speak the same protocol").waitFor()
})

await screenshot("chat-answered", tablet, async (page) => {
  await openChat(page)
  await send(page, "What can you do?")
  await waitForReply(page)
})

await screenshot("chat-error", tablet, async (page) => {
  await openChat(page)
  await send(page, "What can you do?")
  await waitForReply(page)
  await page.route("**/chat", (route) =>
    route.fulfill({
      status: 429,
      headers: {
        "retry-after": "24",
        "access-control-expose-headers": "Retry-After",
        "access-control-allow-origin": "*"
      }
    })
  )
  await send(page, "And tomorrow?")
  await page.getByRole("button", { name: /Try again in/ }).waitFor()
})

await screenshot("chat-dark", { ...tablet, colorScheme: "dark" }, async (page) => {
  await page.goto(`${base}/demo/site`)
  // The demo's website has a light theme, so the chat is shown alone.
  await page.evaluate(`{
    const chat = document.querySelector("hydracore-chat")
    const alone = chat.cloneNode()
    alone.setAttribute("theme", "dark")
    document.body.replaceChildren(alone)
    document.adoptedStyleSheets = [Object.assign(new CSSStyleSheet(), {})]
    document.styleSheets[0].disabled = true
    document.adoptedStyleSheets[0].replaceSync("html { background: #0a0d11 }")
  }`)
  await page.getByRole("button", { name: "Open chat" }).click()
  await send(page, "What can you do?")
  await waitForReply(page)
  await send(page, "Thank you!")
  await page.getByText("You are welcome.").first().waitFor()
})

await screenshot("chat-320", phone, async (page) => {
  await openChat(page)
  await send(page, "What can you do?")
  await waitForReply(page)
})

await browser.close()
