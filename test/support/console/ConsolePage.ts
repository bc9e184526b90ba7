/**
 * The console on a test's server that has a busy and a new website, opened by a user with a session.
 *
 * @module
 */
import { setTimeout } from "node:timers/promises"
import { Clock, Context, Effect, Layer, Option } from "effect"
import type { Locator, Page } from "playwright-core"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import type { Role } from "../../../src/sites/access/Access.ts"
import { localSessionCookie } from "../../../src/sites/access/AuthenticationApi.ts"
import { ConsoleSessions } from "../../../src/sites/access/ConsoleSession.ts"
import type { Site } from "../../../src/sites/Site.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { Chromium, layer as chromium, type VisitorOptions } from "../browser/Browser.ts"
import { TestServer, onFewConnections as testServer } from "../TestServer.ts"
import * as TestTime from "../TestTime.ts"
import { until } from "../Wait.ts"
import * as SiteData from "./SiteData.ts"

export { violations, violationsInBothSchemes, violationsInOtherWidth, violationsOfPart } from "../browser/Axe.ts"

/** The websites of the server. */
export class Websites extends Context.Service<Websites, { readonly busy: Site; readonly fresh: Site }>()(
  "hydracore/test/console/Websites"
) {}

/** A server at the time of the tests, whose busy website has visits of so many days until now. */
export const on = (server: ReturnType<typeof testServer>, days = 40, visitsPerDay = 20) =>
  Layer.effect(
    Websites,
    Effect.gen(function* () {
      const sites = yield* SiteDirectory
      const busy = yield* sites.create({ name: "Fjordlight Kayaks", origins: [], timeZone: "Europe/Oslo" })
      const fresh = yield* sites.create({ name: "New website", origins: [] })
      yield* SiteData.store({ site: busy, now: yield* Clock.currentTimeMillis, days, visitsPerDay })
      return { busy, fresh }
    })
  ).pipe(Layer.provideMerge(server), Layer.provideMerge(TestTime.layer), Layer.orDie)

/** Such a server, which sends no mail. */
export const layer = on(testServer(), 40, 10)

/** The same with few visits, for tests that do not read them. */
export const layerOfTwoDays = on(testServer(), 2)

/** A visitor whose pages have the server's time. */
export const newVisitor = Effect.fnUntraced(function* (options: VisitorOptions = {}) {
  const now = yield* Clock.currentTimeMillis
  return yield* Chromium.use(({ visitor }) => visitor({ now, ...options }))
})

const newSecret = Effect.fnUntraced(function* (sites: "all" | ReadonlyArray<WebsiteConfigId>, role: Role) {
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  const created = yield* ConsoleSessions.use((sessions) =>
    sessions.createLink({ role, sites, label: null, linkExpiresAt })
  ).pipe(Effect.orDie)
  return Option.getOrThrow(created).link
})

/** The URL of a link that opens the console. */
export const newLink = Effect.fnUntraced(function* (sites: "all" | ReadonlyArray<WebsiteConfigId> = "all") {
  const { url } = yield* TestServer
  return `${url}/console/#/link/${yield* newSecret(sites, "owner")}`
})

/** A user with a session. `show` opens a fragment, and loads the console if it is not open yet. */
const newUser = Effect.fnUntraced(function* (options: VisitorOptions, role: Role) {
  const { url } = yield* TestServer
  const visitor = yield* newVisitor(options)
  const { context, page } = visitor
  const on = <A>(use: () => Promise<A>) => Effect.promise(use)
  const opened = yield* Effect.orDie(
    ConsoleSessions.use((sessions) => Effect.flatMap(newSecret("all", role), (secret) => sessions.open(secret)))
  )
  const { cookie } = Option.getOrThrow(opened)
  const attributes = { url, httpOnly: true, sameSite: "Strict" } as const
  yield* on(() => context.addCookies([{ name: localSessionCookie.key, value: cookie, ...attributes }]))
  const show = (fragment: string) =>
    Effect.andThen(
      visitor.open(`${url}/console/${fragment}`),
      // The websites can arrive after the session.
      on(() => shown(page, "its session and content", "session?.checkVisibility() && content?.childElementCount > 0"))
    )
  return { ...visitor, on, url, show, loaded: on(() => loaded(page)) }
})

/** A user with a session, on the page of a fragment. The session's cookie is set directly, without the link that users click. */
export const open = (fragment: string, options: VisitorOptions = {}, role: Role = "owner") =>
  Effect.tap(newUser(options, role), ({ show }) => show(fragment))

/** The same on a page that `prepare` changes before it is loaded, such as by the answers that it gets. */
export const openPrepared = (
  fragment: string,
  prepare: (page: Page) => Promise<unknown>,
  options: VisitorOptions = {},
  role: Role = "owner"
) =>
  Effect.tap(newUser(options, role), ({ on, page, show }) =>
    Effect.andThen(
      on(() => prepare(page)),
      show(fragment)
    )
  )

/**
 * Websites without data. The shared page reads the list of websites when it loads, so a test that needs its own website takes one
 * of these.
 */
export class SpareSites extends Context.Service<SpareSites, { readonly take: Effect.Effect<Site> }>()(
  "hydracore/test/console/SpareSites"
) {
  static readonly layer = (name: string, count: number) =>
    Layer.effect(
      SpareSites,
      Effect.gen(function* () {
        const { create } = yield* SiteDirectory
        const spare = yield* Effect.replicateEffect(create({ name, origins: [] }), count)
        return {
          take: Effect.sync(() => {
            const site = spare.pop()
            if (site === undefined) throw new Error(`This file has only ${count} spare websites`)
            return site
          })
        }
      })
    ).pipe(Layer.orDie)
}

/** An owner with one page for all tests, because loading the page takes most of a short test's processor time. */
export class SharedOwner extends Context.Service<SharedOwner, Effect.Success<ReturnType<typeof newUser>>>()(
  "hydracore/test/console/SharedOwner"
) {
  static readonly layer = Layer.effect(SharedOwner, newUser({}, "owner")).pipe(Layer.provide(chromium))
}

/** The size and the colors of a page. */
export type Look = Pick<VisitorOptions, "viewport" | "colorScheme">

/** The size and the colors of a page whose test sets no others. */
const usual = { viewport: { width: 1280, height: 720 }, colorScheme: "light" } as const

/** Gives an open page another size or other colors until the scope closes. */
export const withLook = (page: Page, look: Look) => {
  const apply = ({ colorScheme, viewport }: Look) =>
    Effect.promise(async () => {
      if (viewport !== undefined && viewport !== null) await page.setViewportSize(viewport)
      if (colorScheme !== undefined) await page.emulateMedia({ colorScheme })
    })
  return Object.keys(look).length === 0 ? Effect.void : Effect.acquireRelease(apply(look), () => apply(usual))
}

/**
 * Shows a fragment on the shared page, which has the given size and colors until the test ends. The first test loads the page,
 * and later tests only change its fragment. A test that needs another user, or that changes data which the page has read, opens
 * its own page.
 */
export const show = Effect.fnUntraced(function* (fragment: string, look: Look = {}) {
  const owner = yield* SharedOwner
  yield* withLook(owner.page, look)
  yield* owner.show(fragment)
  // Otherwise a test could read the data of the previous test.
  yield* owner.loaded
  return owner
})

/** What the texts of a shared dashboard do not mention, because guests neither have it nor can change it. */
export const ownersWords = /\b(set ?up|console|session|operator|log|hydracore|settings)\b|[A-Z]+_[A-Z]+/i

/** Opens a select and chooses a choice by its label. */
export const choose = async (field: Locator, choice: string): Promise<void> => {
  await field.click()
  await field.page().getByRole("option", { name: choice, exact: true }).click()
}

/** Waits until the service refuses the requests of a page whose session was ended: it looks a session up again after a second. */
export const refused = (page: Page) =>
  until("a refused request", () =>
    page.evaluate<boolean>('fetch("/v1/owner/sites?limit=1").then(({ status }) => status === 401)')
  )

/**
 * Waits for a state. A script of the page looks after each change: a locator would be asked again and again, and the first one in a
 * page takes as much processor time as loading the page.
 */
export const shown = async (page: Page, what: string, expression: string): Promise<void> => {
  const script = `new Promise((done) => {
    const isShown = () => {
      const content = document.querySelector("#content")
      const session = document.querySelector("button[aria-label^='Session: ']")
      return ${expression}
    }
    // The result of a click is rendered in the next frame.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (isShown()) return done(true)
      const observer = new MutationObserver(() => {
        if (!isShown()) return
        observer.disconnect()
        done(true)
      })
      observer.observe(document, { attributes: true, characterData: true, childList: true, subtree: true })
    }))
  })`
  await Effect.runPromise(
    until(`the console shows ${what}`, () =>
      Promise.race([
        page.evaluate<boolean>(script).catch((error: unknown) => {
          if (page.isClosed()) throw error
          // The page is being loaded again.
          return false
        }),
        setTimeout(5000, false, { ref: false })
      ])
    )
  )
}

/** Waits until nothing on the page is loading. */
export const loaded = (page: Page): Promise<void> =>
  shown(page, "no part that is loading", `document.querySelector("[aria-busy=true], .skeleton, .stale") === null`)
