/**
 * Pictures of the demo and of the chat, from a running `npm start`.
 *
 * @module
 */
import type { Page } from "playwright-core"
import type { Take } from "./Take.ts"

export const takeAll = async ({ capture, picture }: Take, base: string): Promise<void> => {
  const wide = { viewport: { width: 1440, height: 900 } }
  const tablet = { viewport: { width: 900, height: 760 } }
  const phone = { viewport: { width: 320, height: 640 } }

  const openChat = async (page: Page) => {
    await page.goto(`${base}/demo/site`)
    await page.getByRole("button", { name: "Open chat" }).click()
    await page.getByRole("textbox", { name: "Your message" }).waitFor()
  }

  const send = async (page: Page, text: string) => {
    const input = page.getByRole("textbox", { name: "Your message" })
    await input.fill(text)
    await input.press("Enter")
  }

  const question = "Is there a tour for children?"

  /** Waits until the newest answer is complete. */
  const waitForReply = async (page: Page) => {
    await page.locator(".message-agent.writing").waitFor({ state: "detached" })
    await page.locator(".message-agent:last-child .rating").waitFor()
  }

  const ask = async (page: Page, text = question) => {
    await send(page, text)
    await page.locator(".message-user").last().getByText(text).waitFor()
    await waitForReply(page)
  }

  /** Scrolls the conversation so that an element is at its top. */
  const scrollTo = (page: Page, selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => element.scrollIntoView({ block: "start" }))

  /** Opens a dark chat. The demo's website has a light theme, so the chat is shown alone. */
  const openDarkChat = async (page: Page) => {
    await page.goto(`${base}/demo/site`)
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
  }

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
    await capture(page, "demo-tours")
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
    await page.locator("article.chat").first().locator(".token").nth(64).waitFor()
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

  await picture("chat-thinking", tablet, async (page) => {
    await openChat(page)
    await send(page, question)
    await page.getByText("Thinking…").first().waitFor()
  })

  await picture("chat-streaming", tablet, async (page) => {
    await openChat(page)
    await send(page, question)
    await page.getByText("use the same protocol").first().waitFor()
  })

  await picture("chat-answered", tablet, async (page) => {
    await openChat(page)
    await ask(page)
  })

  await picture("chat-table", tablet, async (page) => {
    await openChat(page)
    await ask(page)
    await scrollTo(page, ".message-user")
  })

  await picture("chat-remembers", tablet, async (page) => {
    await openChat(page)
    await ask(page)
    await ask(page, "And what does a day cost?")
    await page.getByRole("button", { name: "Good answer" }).last().click()
  })

  await picture("chat-error", tablet, async (page) => {
    await openChat(page)
    await ask(page)
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

  await picture("chat-dark", { ...tablet, colorScheme: "dark" }, async (page) => {
    await openDarkChat(page)
    await ask(page)
    await capture(page, "chat-dark-answered")
    await scrollTo(page, ".message-user")
  })

  /** Answers all later messages with these frames. */
  const replyWith = (page: Page, ...frames: ReadonlyArray<object>) =>
    page.route("**/chat", (route) =>
      route.fulfill({
        headers: { "content-type": "text/event-stream", "access-control-allow-origin": "*" },
        body: [...frames.map((frame) => JSON.stringify(frame)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("")
      })
    )

  const wideTable = [
    {
      type: "text-delta",
      id: "t",
      delta: `The tours by month, as [the calendar](/demo/site/tours) has them:

| Tour | April | May | June | July | August | September |
|:--|--:|--:|--:|--:|--:|--:|
| First strokes | 12 | 18 | 25 | 31 | 31 | 20 |
| Across the arm | 4 | 8 | 12 | 16 | 16 | 8 |

Call us at [+47 56 00 00 00](tel:+4756000000), or set \`max_group_size\` yourself.`
    },
    ...["Tour calendar of the season, with all departures and the guides of each of them", "Weather", ""].map(
      (title, index) => ({
        type: "source-url",
        sourceId: `${index}`,
        url: `https://fjordlight.example/${index}`,
        title
      })
    )
  ]

  for (const [name, options] of [
    ["chat-wide-table", tablet],
    ["chat-wide-table-320", phone],
    ["chat-wide-table-dark", { ...tablet, colorScheme: "dark" }]
  ] as const) {
    await picture(name, options, async (page) => {
      await ("colorScheme" in options ? openDarkChat(page) : openChat(page))
      await replyWith(page, ...wideTable)
      await send(page, "When do you go?")
      await page.locator(".message-agent:last-child:not(.writing) .sources").waitFor()
      await page.locator(".table[aria-label]").waitFor()
    })
  }

  await picture("chat-320", phone, async (page) => {
    await openChat(page)
    await capture(page, "chat-320-open")
    await ask(page)
    await scrollTo(page, ".table")
  })

  await picture("chat-keyboard", phone, async (page) => {
    await openChat(page)
    await ask(page)
    // A keyboard makes the visual viewport smaller.
    await page.evaluate(`{
      Object.defineProperty(visualViewport, "height", { value: innerHeight - 300 })
      visualViewport.dispatchEvent(new Event("resize"))
    }`)
    await page.getByRole("textbox", { name: "Your message" }).focus()
  })

  await picture("chat-rtl", tablet, async (page) => {
    await page.goto(`${base}/demo/site`)
    const strings = {
      greeting: "שלום! איך אפשר לעזור?",
      placeholder: "כתבו הודעה…",
      sources: "מקורות",
      scroll: "גללו הצידה כדי לראות את כל הטבלה.",
      copy: "העתקה"
    }
    await page.evaluate(`{
      document.documentElement.dir = "rtl"
      const chat = document.querySelector("hydracore-chat")
      chat.setAttribute("heading", "שאלו מדריך")
      chat.setAttribute("suggestions", ${JSON.stringify(JSON.stringify(["יש טיול לילדים?", "כמה עולה יום?"]))})
      chat.setAttribute("strings", ${JSON.stringify(JSON.stringify(strings))})
    }`)
    await page.getByRole("button", { name: "Open chat" }).click()
    await page.getByText(strings.greeting).waitFor()
    await capture(page, "chat-rtl-open")
    await send(page, "יש טיול לילדים? children")
    await waitForReply(page)
    await scrollTo(page, ".message-user")
  })
}
