/** The console over HTTPS, behind nginx as the operator's guide configures it. */
import { assert, it as plainIt } from "@effect/vitest"
import { Effect } from "effect"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import { secureCookieName } from "../../src/sites/access/ConsoleSession.ts"
import { secureGet, startNginx } from "../docs/NginxBlocks.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { TestServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

if (Nginx.executable === undefined && process.env["CI"] !== "true") {
  plainIt.skip(`the console over HTTPS (there is no nginx; ${Nginx.install})`, () => {})
} else {
  inChromium("the console over HTTPS", ConsolePage.layerOfTwoDays, (it) => {
    it.effect("the session's cookie is secure, survives a reload, and is deleted when the user signs out", () =>
      Effect.gen(function* () {
        const port = yield* startNginx(new URL((yield* TestServer).url).host)
        yield* until("nginx answers", () => secureGet(port, "/readyz"))
        const { context, errors, open, page } = yield* ConsolePage.newVisitor({ ignoreHTTPSErrors: true })
        const on = <A>(use: () => Promise<A>) => Effect.promise(use)
        const link = new URL(yield* ConsolePage.newLink())
        yield* open(`https://edge.test:${port}${link.pathname}${link.hash}`)
        yield* on(() => page.getByRole("button", { name: "Open the console" }).click())
        yield* on(() => page.getByRole("button", { name: "Not now" }).click())
        const session = page.getByRole("button", { name: "Session: Owner" })
        yield* on(() => session.waitFor())
        const cookies = yield* on(() => context.cookies())
        assert.deepStrictEqual(
          cookies.map(({ httpOnly, name, path, sameSite, secure }) => ({ httpOnly, name, path, sameSite, secure })),
          [{ httpOnly: true, name: secureCookieName, path: "/", sameSite: "Strict", secure: true }]
        )
        yield* on(() => page.reload())
        yield* on(() => session.click())
        yield* on(() => page.getByRole("menuitemradio", { name: "Log out" }).click())
        yield* on(() => page.getByRole("heading", { name: "Log in" }).waitFor())
        assert.deepStrictEqual(yield* on(() => context.cookies()), [])
        assert.deepStrictEqual(errors, [])
      })
    )
  })
}
