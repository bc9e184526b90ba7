/**
 * Makes pictures of the demo and of the chat, to be looked at:
 *
 *     node scripts/screenshots.ts <folder> [address of a running `npm start`, http://127.0.0.1:8080]
 *
 * `demo.webp` is the README's picture; copy it to `src/docs`.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { type BrowserContextOptions, chromium, type Page } from "playwright-core"

const usage = "node scripts/screenshots.ts <folder> [address of a running `npm start`, http://127.0.0.1:8080]"

const end = (sentence: string): never => {
  console.error(sentence)
  process.exit(1)
}

const args = process.argv.slice(2)
if (args.includes("--help") || args.includes("-h")) {
  console.log(usage)
  process.exit(0)
}
const flag = args.find((arg) => arg.startsWith("-"))
if (flag !== undefined) end(`There is no flag ${flag}: ${usage}`)
const [folder = end(`Name a folder for the pictures: ${usage}`), base = "http://127.0.0.1:8080"] = args

const isDemo = await fetch(`${base}/demo`, { signal: AbortSignal.timeout(10_000) }).then(
  (response) => response.ok,
  () => false
)
if (!isDemo) end(`There is no demo at ${base}; start it with \`npm start\`, or name its address after the folder.`)

const browser = await chromium
  .launch({
    executablePath: process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium",
    // The tracker leaves out browsers that say that a program drives them.
    args: ["--no-sandbox", "--disable-gpu", "--disable-blink-features=AutomationControlled"]
  })
  .catch(() => end("Chromium cannot be started; install it, or set CHROMIUM_PATH to where it is."))
mkdirSync(folder, { recursive: true })

/** A headless browser names itself as one, and is taken for a robot. */
const userAgent = (await (await browser.newPage()).evaluate<string>("navigator.userAgent")).replace("Headless", "")

const take = (page: Page, name: string) => page.screenshot({ path: path.join(folder, `${name}.png`) })

/** Playwright writes no WebP; Chromium does. */
const takeWebp = async (page: Page, name: string) => {
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 80 })
  writeFileSync(path.join(folder, `${name}.webp`), data, "base64")
}

const picture = async (name: string, options: BrowserContextOptions, act: (page: Page) => Promise<void>) => {
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

const say = async (page: Page, text: string) => {
  const input = page.getByRole("textbox", { name: "Your message" })
  await input.fill(text)
  await input.press("Enter")
}

const answered = (page: Page) =>
  page.locator(".message-agent:last-child:not(.writing)").getByText("instead of me").waitFor()

await picture("demo-start", wide, async (page) => {
  await page.goto(`${base}/demo`)
  await page.getByText("live", { exact: true }).waitFor()
  await page.locator("article.view").first().waitFor()
})

await picture("demo-used", wide, async (page) => {
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

await picture("demo-narrow", { viewport: { width: 390, height: 844 } }, async (page) => {
  await page.goto(`${base}/demo`)
  await page.locator("article.view").first().waitFor()
})

await picture("site-phone", phone, async (page) => {
  await page.goto(`${base}/demo/site/contact`)
  await page.getByRole("button", { name: "Open chat" }).waitFor()
})

await picture("chat-open", tablet, openChat)

await picture("chat-streaming", tablet, async (page) => {
  await openChat(page)
  await say(page, "What can you do?")
  await page.getByText("speak the same protocol").waitFor()
})

await picture("chat-answered", tablet, async (page) => {
  await openChat(page)
  await say(page, "What can you do?")
  await answered(page)
})

await picture("chat-error", tablet, async (page) => {
  await openChat(page)
  await say(page, "What can you do?")
  await answered(page)
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
  await say(page, "And tomorrow?")
  await page.getByRole("button", { name: /Try again in/ }).waitFor()
})

await picture("chat-dark", { ...tablet, colorScheme: "dark" }, async (page) => {
  await page.goto(`${base}/demo/site`)
  // The demo's website is light; this is how the chat looks by itself.
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
  await say(page, "What can you do?")
  await answered(page)
  await say(page, "Thank you!")
  await page.getByText("You are welcome.").first().waitFor()
})

await picture("chat-320", phone, async (page) => {
  await openChat(page)
  await say(page, "What can you do?")
  await answered(page)
})

await browser.close()
