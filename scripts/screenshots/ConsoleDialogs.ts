/**
 * Pictures of the console's dialogs, filled in, refused and confirmed.
 *
 * @module
 */
import { Effect } from "effect"
import { type PageAction, press, twoSizes, type View } from "./ConsoleView.ts"

/** Opens a dialog with `button`, presses "Create" in it, and waits for the heading of the result. */
const create =
  (button: string, heading: string): PageAction =>
  async (page) => {
    await press(button)(page)
    await page.getByRole("dialog").getByRole("button", { name: "Create" }).click()
    await page.getByRole("heading", { name: heading }).waitFor()
  }

/** Dialogs of the settings: their names, their sections, and how they open. */
const dialogs: ReadonlyArray<readonly [name: string, section: string, action: PageAction]> = [
  ["goal", "goals", press("New goal")],
  ["mail", "mails", press("Add a recipient")],
  [
    "mail-again",
    "mails",
    async (page) => {
      await page
        .getByRole("button", { name: /^Send again: / })
        .first()
        .click()
      await page.getByText("It can be sent again in").waitFor()
    }
  ],
  ["key", "keys", press("New key")],
  ["key-revoke", "keys", press("Revoke")],
  ["key-secret", "keys", create("New key", "The new key")],
  ["webhook", "webhooks", press("New webhook")],
  [
    "webhook-more",
    "webhooks",
    (page) =>
      page
        .getByRole("button", { name: /^More for / })
        .first()
        .click()
  ],
  ["assistant", "assistants", press("New assistant")],
  ["token-form", "assistants", press("Issue a token")],
  ["token", "assistants", create("Issue a token", "The tag of the chat")],
  ["rules", "forms", press("Edit")],
  ["rules-new", "forms", press("New rules")],
  ["auto-reply", "forms", press("New automatic reply")],
  [
    "rules-json",
    "forms",
    (page) => page.getByRole("listitem").filter({ hasText: "coupon" }).getByRole("button", { name: "Edit" }).click()
  ],
  ["delete", "website", press("Delete the website")],
  [
    "zone",
    "website",
    async (page) => {
      await page.getByLabel("Time zone").click()
      await page.getByLabel("Time zone").fill("america new")
      await page.getByRole("option", { name: "America/New York" }).waitFor()
    }
  ],
  [
    "deliveries",
    "webhooks",
    async (page) => {
      await page.getByRole("button", { name: "Deliveries" }).nth(1).click()
      await page.locator(".deliveries button").first().click()
      await page.locator(".attempts").waitFor()
    }
  ],
  [
    "tested",
    "webhooks",
    async (page) => {
      await page.getByRole("button", { name: "Test" }).first().click()
      await page.locator('.actions [role="status"]:not(:empty)').first().waitFor()
    }
  ],
  [
    "replay",
    "webhooks",
    async (page) => {
      await page.getByRole("button", { name: "Deliveries" }).first().click()
      await press("Replay…")(page)
      await page.getByRole("dialog").getByLabel("Deliveries").click()
      await page.getByRole("option", { name: "All", exact: true }).click()
      await page.getByText("will be sent again").waitFor()
    }
  ],
  [
    "try",
    "assistants",
    async (page) => {
      await press("Try")(page)
      await press("Ask")(page)
      await page.getByText("The first word came after").waitFor()
    }
  ],
  [
    "try-refused",
    "assistants",
    async (page) => {
      await page.getByRole("button", { name: "Try" }).nth(1).click()
      await press("Ask")(page)
      await page.getByText("It refuses the key").waitFor()
    }
  ],
  [
    "limits",
    "assistants",
    async (page) => {
      await press("New assistant")(page)
      await page.getByText("Limits and details").click()
      await page.getByLabel("Additional headers of requests").scrollIntoViewIfNeeded()
    }
  ],
  [
    "erase",
    "data",
    async (page) => {
      await page.getByLabel("Email address").fill("ada@example.org")
      await press("Delete")(page)
    }
  ],
  [
    "refused",
    "webhooks",
    async (page) => {
      await press("New webhook")(page)
      await page.getByLabel("Address").fill("http://10.0.0.1/")
      await press("Create")(page)
      await page.getByText("was not found on the public internet").waitFor()
    }
  ]
]

export const takeAll = Effect.fnUntraced(function* ({ busy, picture }: View) {
  for (const [size, options] of twoSizes) {
    for (const [name, section, action] of dialogs) {
      yield* picture(`setup-${name}-${size}`, busy(`setup/${section}`), options, action)
    }
    yield* picture(`new-site-${size}`, "#/", options, press("New website"))
    yield* picture(`sharing-invite-${size}`, busy("sharing"), options, press("Invite a person"))
    yield* picture(`sharing-dashboard-${size}`, busy("sharing"), options, press("Share the dashboard"))
    yield* picture(`sharing-link-${size}`, busy("sharing"), options, async (page) => {
      await press("Invite a person")(page)
      await page.getByLabel("Name", { exact: true }).fill("Kari Nordmann")
      await press("Create a link")(page)
      await page.getByText("Send this link to Kari Nordmann.").waitFor()
    })
    yield* picture(`sharing-remove-${size}`, busy("sharing"), options, press("Remove Agency Nordlys"))
    yield* picture(`overview-days-${size}`, busy("overview"), options, async (page) => {
      await page.getByRole("button", { name: /^Days: / }).click()
      await page.getByRole("menuitemradio", { name: "Choose days…" }).click()
      await page.getByLabel("First day").fill("2026-12-31")
      await page.getByLabel("Last day").fill("2026-01-01")
    })
    yield* picture(`ended-${size}`, busy("setup/goals"), options, async (page) => {
      await press("New goal")(page)
      await page.getByLabel("Path").fill("/thanks")
      await page.context().clearCookies()
      await press("Create")(page)
      await page.getByRole("heading", { name: "Your session has ended" }).waitFor()
    })
  }
})
