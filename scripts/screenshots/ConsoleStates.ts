/**
 * Pictures of the console while it loads, while the service fails, without a session or a connection, and at addresses that
 * lead nowhere.
 *
 * @module
 */
import { Effect } from "effect"
import { loaded, nothing, type PageAction, press, twoSizes, type View, wide } from "./ConsoleView.ts"

/** Answers every request for data with this status. If it is null, no request gets an answer. */
const answerWith =
  (status: number | null): PageAction =>
  async (page) => {
    await page.route(/\/v1\/owner\/(query|sites\/.)/, (route) =>
      status === null ? undefined : route.fulfill({ status, json: { detail: "" } })
    )
  }

export const takeAll = Effect.fnUntraced(function* ({ busy, picture, pictureWithoutSession, sites }: View) {
  for (const [size, options] of twoSizes) {
    for (const page of [
      "overview",
      "live",
      "inbox",
      "conversations",
      "sharing",
      "setup/webhooks",
      "setup/assistants"
    ]) {
      const name = page.replace("/", "-")
      yield* picture(`${name}-skeleton-${size}`, busy(page), options, {
        before: answerWith(null),
        until: (page) => page.locator("[aria-busy=true], .skeleton").first().waitFor()
      })
      yield* picture(`${name}-error-${size}`, busy(page), options, {
        before: answerWith(500),
        until: (page) => page.locator(".problem, .message").first().waitFor()
      })
    }
  }
  for (const [size, options] of twoSizes) {
    yield* pictureWithoutSession(`login-${size}`, "#/", options)
    yield* pictureWithoutSession(`login-sent-${size}`, "#/", options, async (page) => {
      await page.getByLabel("Email address").fill("ada@example.org")
      await press("Send the link")(page)
      await page.getByText("a mail with a link is on its way").waitFor()
    })
    yield* pictureWithoutSession(`login-without-mail-${size}`, "#/", options, {
      before: async (page) => {
        await page.route("**/v1/owner/login", (route) => route.fulfill({ json: { can_mail: false } }))
      }
    })
    const secret = yield* sites.newLink
    yield* pictureWithoutSession(`who-are-you-${size}`, `#/link/${secret}`, options, press("Open the console"))
    yield* pictureWithoutSession(`shared-locked-${size}`, `#/share/${sites.lockedShare}`, options)
    yield* picture(`shortcuts-${size}`, busy("overview"), options, (page) => page.keyboard.press("?"))
    yield* picture(`account-${size}`, busy("overview"), options, (page) =>
      page.getByRole("button", { name: /^Session: / }).click()
    )
  }
  yield* picture("not-found", "#/9b2f3e52-0000-4000-8000-000000000000/overview", wide)
  yield* pictureWithoutSession("shared-over", "#/share/hsh_of_nothing", wide)
  yield* pictureWithoutSession("link-spent", "#/link/hcl_of_nobody", wide)
  yield* picture("overview-offline", busy("overview"), wide, {
    until: nothing,
    action: async (page) => {
      await loaded(page)
      await page.context().setOffline(true)
      await page.getByRole("button", { name: /^Days: / }).click()
      await page.getByRole("menuitemradio", { name: "Last 7 days" }).click()
      await page.getByText("There is no connection to the service.").waitFor()
    }
  })
})
