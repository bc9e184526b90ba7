/**
 * The tracker: sends a website's page views to the edge. Loads the form enhancer on pages with a form for it, and the script
 * for events on pages that use events. It is smaller than 1,100 bytes gzipped and never throws an error into the page.
 *
 *     <script defer src="https://edge.example/v1/public/embed.js" data-site="<tracking_token>"></script>
 *
 * All addresses are relative to that of the script, so a website can put a proxy in front of the edge. Without `data-site`,
 * no page views and events are sent, and forms still work. The other attributes of the script's tag:
 *
 * - `data-hash`: a change of the URL's fragment is a page view, for websites with hash routing.
 * - `data-dnt`: sends nothing if the browser sends Do Not Track or Global Privacy Control.
 * - `data-local`: also tracks localhost and local files.
 * - `data-automated`: also tracks automated browsers.
 * - `data-track`: the address for page views, relative to that of the script, if a proxy renames the endpoint.
 * - `data-outbound`, `data-downloads`, `data-events`: see `events.ts`.
 *
 * It stores nothing in the browser. A browser whose `localStorage.hydracore_ignore` is `"1"` sends nothing, so that owners can leave out their own visits.
 *
 * @module
 */

import type { SendEvent } from "./events.ts"

/** The file names of the form enhancer and of the script for events, defined by the bundler. */
declare const FORMS_FILE: string
declare const EVENTS_FILE: string

/** The API for pages. */
export interface Hydracore {
  /** Sends a view of `path`. Without `path`, sends a view of the current page, even if one was already sent. */
  readonly track: (path?: string) => void
  /** Sends an event. */
  readonly event: SendEvent
}

declare global {
  interface Window {
    hydracore?: Hydracore
  }
}

const start = (script: HTMLScriptElement) => {
  const data = script.dataset
  const resolve = (path: string) => new URL(path, script.src).href
  /** The pending retries, one for each record whose first attempt was refused. */
  const retries = new Set<() => void>()
  let { referrer } = document
  /** The last path whose view was sent without a call of `track`. */
  let lastPath: string | undefined

  // Cut before matching, which takes quadratic time on a path of slashes.
  const currentPath = () =>
    (location.pathname.slice(0, 2048) + (data["hash"] == null ? "" : location.hash)).replace(/\/*#!?\/*/, "/")

  /** Sends a record of `path`, or of the current page if `path` is empty. Retries once after a 429 or a 503. */
  const send = async (address: string, path?: string, fields?: object) => {
    try {
      if (
        !data["site"] ||
        (data["dnt"] != null &&
          (+navigator.doNotTrack! || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl)) ||
        (data["automated"] == null && navigator.webdriver) ||
        (data["local"] == null && /^$|\blocalhost$|^127\.|^\[::1/.test(location.hostname))
      ) {
        return
      }
      try {
        // Access to storage can be denied.
        if (+localStorage["hydracore_ignore"]) return
      } catch {}
      const url = resolve(address)
      const body = JSON.stringify({
        site_id: data["site"],
        page_path: `${path || currentPath() + location.search}`.slice(0, 2048),
        // An element named `referrer` would replace `document.referrer`.
        referrer: `${referrer}`,
        screen_width: screen.width,
        ...fields
      })
      const retry = () => {
        if (retries.delete(retry)) navigator.sendBeacon(url, body)
      }
      // A string body has the type text/plain, which needs no preflight.
      const { headers, status } = await fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" })
      if (status === 429 || status === 503) {
        retries.add(retry)
        // A random delay spreads the retries of many visitors.
        setTimeout(retry, (+headers.get("retry-after")! || 2) * (1 + Math.random()) * 1e3)
      }
    } catch {
      // After a network error, the record may have been stored. Or the page has changed globals: it must not see an error.
    }
  }

  /**
   * Sends a view of the current page if the page is visible and its view was not sent yet. With `path`, sends a view in any
   * case: of that path, or of the current page if the path is empty.
   */
  const sendView = (event?: Partial<PageTransitionEvent>, path?: string) => {
    // The page was restored from the back-forward cache.
    if (event?.persisted) lastPath = ""
    if (path == null) {
      if (document.hidden === true) {
        // The page may be closed, so pending retries are sent now. Prerendered pages are hidden, too.
        for (const retry of retries) retry()
        return
      }
      if (lastPath === currentPath()) return
      lastPath = currentPath()
    }
    send(data["track"] || "analytics/track", path)
    referrer = location.href
  }

  /** The other scripts that this page has begun to load, by file name. */
  const scripts: Record<string, Promise<SendEvent | undefined>> = {}
  const load = (file: string) =>
    (scripts[file] ||= import(resolve(file)).then(
      ({ start }) => start?.(data, send),
      () => {}
    ))

  window.hydracore = {
    track: (path) => sendView({}, path || ""),
    event: (...args) => void load(EVENTS_FILE).then((sendEvent) => sendEvent?.(...args))
  }

  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method]
    history[method] = function (...args) {
      original.apply(this, args)
      sendView()
    }
  }
  for (const type of ["popstate", "pageshow", "visibilitychange"]) {
    addEventListener(type, sendView, true)
  }
  sendView()

  // Literal selectors compress better than a function for them.
  const loadWanted = () => {
    try {
      if (document.querySelector("[data-hydracore-event],[data-outbound],[data-downloads]")) load(EVENTS_FILE)
      if (document.querySelector("[data-hydracore-form]")) load(FORMS_FILE)
    } catch {
      // An element named `querySelector` replaces the method.
    }
  }
  new MutationObserver(loadWanted).observe(document, { childList: true, subtree: true })
  loadWanted()

  // For routers that use the Navigation API. Last, because it throws in browsers without that API.
  navigation.addEventListener("currententrychange", sendView)
}

try {
  // Page transitions by script can run this script again. An element named `currentScript` would replace
  // `document.currentScript`, so the property is read from the prototype.
  if (!window.hydracore?.track) start(Reflect.get(Document.prototype, "currentScript", document) as HTMLScriptElement)
} catch {
  // The page must not see an error.
}
