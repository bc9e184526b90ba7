/**
 * A real Chromium for tests. Each test has its own browser context, with its own storage, cache, connections and pages.
 *
 * Host names under `.test` resolve to this machine, so that pages are neither on localhost, which the tracker ignores, nor on the
 * edge's origin. `Network` starts the servers.
 *
 * @module
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { describe, layer as effectLayer, it, type Vitest } from "@effect/vitest"
import { Context, Effect, Exit, Layer, type Scope } from "effect"
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
  type Response
} from "playwright-core"
import * as TestTime from "../TestTime.ts"

const executablePath = process.env["CHROMIUM_PATH"] ?? "/usr/bin/chromium"

/** Whether this machine has a Chromium. */
export const available = existsSync(executablePath)

/**
 * The same browser without windows and toolbars, in which a new page takes a fifth of the processor time. It has no
 * back-forward cache. `CHROMIUM_PATH` replaces it too.
 */
const shell = "/usr/bin/chromium-headless-shell"
const shellPath = process.env["CHROMIUM_PATH"] === undefined && existsSync(shell) ? shell : executablePath

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP *.test 127.0.0.1",
  // The tracker ignores automated browsers: see `automated`.
  "--disable-blink-features=AutomationControlled",
  // Together, these save a fifth of Chromium's processor time: a thread of the browser draws the frames, no other thread
  // compiles scripts or collects their garbage, and nothing is painted, which no test looks at, apart from what scripts draw.
  "--in-process-gpu",
  "--num-raster-threads=1",
  "--js-flags=--single-threaded",
  ...(process.env["SCREENSHOTS"] === undefined ? ["--force-gpu-mem-available-mb=0"] : [])
]

/** Those that Playwright disables. They are repeated because Chromium reads only the last list. */
const disabledFeatures = [
  "AimEnabled",
  "HttpsUpgrades",
  "HttpsFirstBalancedModeAutoEnable",
  "MediaRouter",
  "NetworkTimeServiceQuerying",
  "OptimizationHints",
  "PaintHolding",
  "PreconnectToSearch"
]

const disabling = (features: ReadonlyArray<string>) => `--disable-features=${[...disabledFeatures, ...features].join()}`

/**
 * The flags of the browser without windows. The pages of a visitor, whatever their websites, share one process, as on a phone with
 * little memory, and a new page takes the place of the last one there. A process for each website, and a spare one for the next,
 * would take a tenth of Chromium's processor time.
 */
const shellFlags = [
  ...flags,
  "--renderer-process-limit=1",
  "--disable-site-isolation-trials",
  disabling([
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "ThirdPartyStoragePartitioning",
    "ProactivelySwapBrowsingInstance",
    "RenderDocument",
    "SpareRendererForSitePerProcess"
  ])
]

/**
 * The flags of the browser with windows. For each new page, it would also load the pages of the address bar's menus, and start a
 * process for the next page: together they take more processor time than the page of a test.
 */
const windowFlags = [
  ...flags,
  disabling(["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "SpareRendererForSitePerProcess"])
]

/** The user agent of an ordinary browser, because the service treats a headless one as a bot. */
export const userAgent =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** The page's console errors and uncaught errors, without failed requests. */
  readonly errors: ReadonlyArray<string>
  /** `page.goto`, as an effect. */
  readonly open: (url: string) => Effect.Effect<Response | null>
}

/** By default, pages have no animations, which take processor time and move what is measured and clicked. */
export interface VisitorOptions extends BrowserContextOptions {
  /** Whether `navigator.webdriver` is true. */
  readonly automated?: boolean
  /** The time of the pages' clock, which then runs on: milliseconds since 1970. By default, the machine's time. */
  readonly now?: number
  /** A script that runs in each page before the page's scripts. */
  readonly before?: string
  /** Whether the browser keeps a page in memory after the visitor leaves it, and can show it again as it was. */
  readonly hasPageCache?: boolean
}

export class Chromium extends Context.Service<
  Chromium,
  {
    /** A visitor with a page, closed with the scope. */
    readonly visitor: (options?: VisitorOptions) => Effect.Effect<Visitor, never, Scope.Scope>
  }
>()("hydracore/test/browser/Chromium") {}

const browsers = new Map<string, Promise<Browser>>()

/**
 * The browser that the test files of this process share, started at its first use, and again after a crash. To start one
 * takes as long as a test. Playwright ends it, and removes its folder, when this process exits.
 */
const browserOf = async (executablePath: string): Promise<Browser> => {
  const running = await browsers.get(executablePath)?.catch(() => undefined)
  if (running?.isConnected() === true) return running
  // Vitest ends a worker with SIGTERM, which by default ends a process without its exit handlers.
  if (browsers.size === 0) process.once("SIGTERM", () => process.exit())
  const started = chromium.launch({
    executablePath,
    handleSIGTERM: false,
    args: executablePath === shell ? shellFlags : windowFlags,
    // Playwright disables the back-forward cache, which visitors have.
    ignoreDefaultArgs: ["--disable-back-forward-cache"]
  })
  browsers.set(executablePath, started)
  return started
}

const size = { width: 1280, height: 720 } as const

/** A browser context with one page, which one visitor has after another. */
interface Profile {
  readonly context: BrowserContext
  readonly page: Page
  /** Whether its pages differ from those of a new profile in a way that cannot be taken back. */
  isChanged: boolean
  visitors: number
}

/** The profiles that no visitor has: those whose pages have the machine's time, and those whose pages have another. */
const unused: Record<"machine" | "other", Array<Profile>> = { machine: [], other: [] }

interface ProfileOptions extends BrowserContextOptions {
  readonly path: string
  readonly now?: number
}

/**
 * A script that moves the dates of a page by so many milliseconds. Playwright's clock would also replace the timers and the frames of
 * the page by scripts, of which one runs ten times a second.
 */
const shiftedDate = (millis: number): string => `{
  const { Date: Original } = window
  const now = () => Original.now() + ${millis}
  window.Date = new Proxy(Original, {
    apply: () => new Original(now()).toString(),
    construct: (_, parts, target) => Reflect.construct(Original, parts.length === 0 ? [now()] : parts, target),
    get: (_, name) => name === "now" ? now : Reflect.get(Original, name)
  })
}`

const newProfile = async ({ now, path, ...options }: ProfileOptions): Promise<Profile> => {
  const browser = await browserOf(path)
  const context = await browser.newContext({ userAgent, reducedMotion: "reduce", viewport: size, ...options })
  // Twice as long as Playwright waits by default: on a busy machine, the API's reference took more than half a minute to load.
  context.setDefaultTimeout(60_000)
  if (now !== undefined) await context.addInitScript(shiftedDate(now - TestTime.ofMachine()))
  const profile: Profile = { context, page: await context.newPage(), isChanged: false, visitors: 0 }
  // A clock that a test sets stays set.
  for (const name of ["install", "setFixedTime", "pauseAt", "fastForward", "runFor", "setSystemTime"] as const) {
    const set: (...given: ReadonlyArray<never>) => Promise<void> = context.clock[name].bind(context.clock)
    context.clock[name] = (...given: ReadonlyArray<unknown>) => {
      profile.isChanged = true
      return set(...(given as ReadonlyArray<never>))
    }
  }
  return profile
}

/** Removes what a visitor has left: other pages, storage, cookies, and what the test has changed of the page. */
const clean = async ({ context, page }: Profile): Promise<void> => {
  // The storage of another page cannot be cleared.
  if (!page.url().startsWith("http")) throw new Error("The visitor has left the website")
  for (const other of context.pages()) if (other !== page) await other.close()
  await page.unrouteAll({ behavior: "ignoreErrors" })
  for (const event of ["console", "pageerror", "request", "response"]) {
    await page.removeAllListeners(event)
  }
  await context.setOffline(false)
  await page.mouse.move(0, 0)
  await page.evaluate("localStorage.clear(), sessionStorage.clear()")
  await page.goto("about:blank")
  await context.clearCookies()
}

/** The most visitors of a profile, so that what its process remembers stays little. */
const mostVisitors = 40

/**
 * A visitor whose profile is unused again afterwards if the test succeeded: a new profile starts a process, which takes twice the
 * processor time of a page.
 */
const reusedProfile = (options: ProfileOptions) => {
  const profiles = unused[options.now === undefined ? "machine" : "other"]
  return Effect.acquireRelease(
    Effect.promise(async () => {
      for (let profile = profiles.pop(); profile !== undefined; profile = profiles.pop()) {
        if (!profile.page.isClosed() && profile.context.browser()?.isConnected() === true) return profile
      }
      return newProfile(options)
    }),
    (profile, exit) =>
      Effect.promise(async () => {
        profile.visitors++
        const isReusable =
          Exit.isSuccess(exit) && !profile.isChanged && profile.visitors < mostVisitors && !profile.page.isClosed()
        const isClean =
          isReusable &&
          (await clean(profile).then(
            () => true,
            () => false
          ))
        if (isClean) profiles.push(profile)
        else await profile.context.close()
      })
  )
}

/** Runs a script in each page of a visitor before the page's scripts. */
const runBefore = (context: BrowserContext, script: string) =>
  Effect.acquireRelease(
    Effect.promise(() => context.addInitScript(script)),
    (added) => Effect.promise(() => added.dispose())
  )

const visitor = Effect.fnUntraced(function* (given: VisitorOptions = {}) {
  const { automated = false, before, colorScheme = "light", hasPageCache = false, viewport = size, ...options } = given
  const path = hasPageCache ? executablePath : shellPath
  const { now, ...others } = options
  const isReusable = Object.keys(others).length === 0 && viewport !== null && !hasPageCache
  const profile = isReusable
    ? yield* reusedProfile({ path, ...(now === undefined ? {} : { now }) })
    : yield* Effect.acquireRelease(
        Effect.promise(() => newProfile({ path, colorScheme, viewport, ...options })),
        ({ context }) => Effect.promise(() => context.close())
      )
  const { context, page } = profile
  if (automated) yield* runBefore(context, "Object.defineProperty(navigator, 'webdriver', { get: () => true })")
  if (before !== undefined) yield* runBefore(context, before)
  const errors: Array<string> = []
  yield* Effect.promise(async () => {
    if (isReusable) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme, media: null, reducedMotion: "reduce" })
    }
    page.on("pageerror", (error) => errors.push(error.message))
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
        errors.push(message.text())
      }
    })
  })
  return { context, page, errors, open: (url: string) => Effect.promise(() => page.goto(url)) }
})

/** Visitors of the Chromium that the test files of a process share. */
export const layer: Layer.Layer<Chromium> = Layer.succeed(Chromium, Chromium.of({ visitor }))

/**
 * Runs tests in Chromium, with the layer `provided` and on the real clock. Without Chromium, they fail in continuous integration,
 * and are skipped with a warning elsewhere.
 */
export const inChromium = <R, E>(
  name: string,
  provided: Layer.Layer<R, E>,
  tests: (it: Vitest.MethodsNonLive<R | Chromium>) => void
): void => {
  if (available) {
    effectLayer(Layer.merge(layer, provided), { excludeTestServices: true, timeout: "60 seconds" })(name, tests)
    return
  }
  const reason = `there is no Chromium at ${executablePath}; install one, or name it with CHROMIUM_PATH`
  if (process.env["CI"] === "true") {
    describe(name, () => {
      it("has a Chromium", () => {
        throw new Error(reason)
      })
    })
    return
  }
  console.warn(`${name}: skipped, because ${reason}.`)
  describe.skip(name, () => {
    it("needs a Chromium", () => {})
  })
}

/**
 * Opens a page in a Chromium without automation, because an automated one does not prerender. The Chromium ends with the scope.
 */
export const openWithoutAutomation = (url: string): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const folder = await mkdtemp(path.join(tmpdir(), "hydracore-chromium-"))
      const chromium = spawn(executablePath, ["--headless=new", `--user-data-dir=${folder}`, ...windowFlags, url], {
        stdio: "ignore"
      })
      return { chromium, folder }
    }),
    ({ chromium, folder }) =>
      Effect.promise(async () => {
        const ended = once(chromium, "exit")
        chromium.kill()
        await ended
        await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
      })
  )

/**
 * Replaces the timers and `performance.now` of a page. Playwright's clock would do more, but cannot be removed, so each test would need
 * a new profile.
 */
const stoppedClock = `{
  let [now, lastId] = [0, 0]
  const timers = new Map()
  const add = (run, wait, rest, isRepeated) => {
    timers.set(++lastId, { at: now + Math.max(0, +wait || 0), isRepeated, run: () => run(...rest), wait: +wait || 0 })
    return lastId
  }
  window.setTimeout = (run, wait, ...rest) => add(run, wait, rest, false)
  window.setInterval = (run, wait, ...rest) => add(run, wait, rest, true)
  window.clearTimeout = window.clearInterval = (id) => void timers.delete(id)
  performance.now = () => now
  const settled = () => new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => { port1.close(); resolve() }
    port2.postMessage("")
  })
  window.passTime = async (millis) => {
    const end = now + millis
    for (;;) {
      const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, one], [, other]) => one.at - other.at)
      if (next === undefined) break
      const [id, timer] = next
      now = Math.max(now, timer.at)
      if (timer.isRepeated) timer.at = now + Math.max(1, timer.wait)
      else timers.delete(id)
      timer.run()
      await settled()
    }
    now = end
  }
}`

/** Stops the clock of the pages that a visitor opens, until the scope closes. Only `passTime` moves it. */
export const stopClock = (page: Page) => runBefore(page.context(), stoppedClock)

/** Moves a stopped clock, and runs the timers that are due. */
export const passTime = (page: Page, millis: number): Promise<void> => page.evaluate(`passTime(${millis})`)
