/**
 * The console on a test's server, with a busy website and a new one, opened with a link.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Option } from "effect"
import type { Page } from "playwright-core"
import type { Role } from "../../../src/core/sites/Role.ts"
import type { Site } from "../../../src/core/sites/Site.ts"
import { ConsoleSessions } from "../../../src/services/sites/ConsoleSessions.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import { Chromium, type VisitorOptions } from "../browser/Browser.ts"
import { TestServer, layer as testServer } from "../TestServer.ts"
import * as SiteData from "./SiteData.ts"

export { rulesOf, violations } from "../browser/Axe.ts"

/** The websites of the server. */
export class Websites extends Context.Service<Websites, { readonly busy: Site; readonly fresh: Site }>()(
  "hydracore/test/console/Websites"
) {}

/** A server in memory whose busy website has visits until now. */
export const layer = Layer.effect(
  Websites,
  Effect.gen(function* () {
    const sites = yield* SiteDirectory
    const busy = yield* sites.create({ name: "Fjordlight Kayaks", origins: [], timeZone: "Europe/Oslo" })
    const fresh = yield* sites.create({ name: "New website", origins: [] })
    yield* SiteData.store({ site: busy, now: yield* Clock.currentTimeMillis, days: 40, visitsPerDay: 20 })
    return { busy, fresh }
  })
).pipe(Layer.provideMerge(testServer()), Layer.orDie)

/** The address of a link that opens the console. */
export const newLink = Effect.fnUntraced(function* (
  sites: "all" | ReadonlyArray<string> = "all",
  role: Role = "owner"
) {
  const { url } = yield* TestServer
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  const created = yield* ConsoleSessions.use((sessions) =>
    sessions.createLink({ role, sites, label: null, linkExpiresAt })
  ).pipe(Effect.orDie)
  return `${url}/console/#/link/${Option.getOrThrow(created).link}`
})

/** A person with a session, on the page of a fragment. */
export const open = Effect.fnUntraced(function* (fragment: string, options: VisitorOptions = {}, role: Role = "owner") {
  const { url } = yield* TestServer
  const visitor = yield* (yield* Chromium).visitor(options)
  const { page } = visitor
  const on = <A>(use: () => Promise<A>) => Effect.promise(use)
  yield* visitor.open(yield* newLink("all", role))
  yield* on(async () => {
    await page.getByRole("button", { name: "Open the console" }).click()
    await page.getByRole("button", { name: /^Session: / }).waitFor()
    await page.evaluate(`location.hash = ${JSON.stringify(fragment)}`)
  })
  return { ...visitor, on, url, loaded: on(() => loaded(page)) }
})

/** Waits until nothing on the page is loading. */
export const loaded = async (page: Page): Promise<void> => {
  // What was just clicked is rendered in the next frame.
  await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
  await page.locator("[aria-busy=true], .skeleton, .stale").first().waitFor({ state: "detached" })
}
