/**
 * The tracker: sends a website's page views to the edge, and loads the form enhancer on pages with a form. It is smaller
 * than 1,000 bytes gzipped and never throws an error into the page.
 *
 *     <script defer src="https://edge.example/v1/public/embed.js" data-site="<tracking_token>"></script>
 *
 * All addresses are relative to the script's own, so a website can put a proxy in front of the edge. The script's attributes
 * besides `data-site` (without it, no page views are tracked; forms still work):
 *
 * - `data-hash`: a change of the URL's fragment is a page view, for websites with hash routing.
 * - `data-session="off"`: uses no sessionStorage and sends no session id.
 * - `data-dnt`: respects Do Not Track and Global Privacy Control.
 * - `data-local`: also tracks localhost and local files.
 * - `data-automated`: also tracks automated browsers.
 * - `data-track`: the address for page views, relative to the script's, if a proxy renames it.
 *
 * @module
 */

/** The file name of the form enhancer, defined by the bundler. */
declare const FORMS_FILE: string

/** The API for pages. */
export interface Hydracore {
  /** Sends a view of `path`, or of the current page even if its view was already sent. */
  readonly track: (path?: string) => void
}

declare global {
  interface Window {
    hydracore?: Hydracore
  }
}

const start = (script: HTMLScriptElement) => {
  const data = script.dataset
  const resolve = (path: string) => new URL(path, script.src).href
  /** The page views that wait for their second and last attempt. */
  const retries = new Set<() => void>()
  let { referrer } = document
  /** The path of the last view that was sent. */
  let lastPath: string | undefined

  // Cut before matching, which takes quadratic time on a path of slashes.
  const currentPath = () =>
    (location.pathname.slice(0, 2048) + (data["hash"] == null ? "" : location.hash)).replace(/\/*#!?\/*/, "/")

  /**
   * Sends a view of the current page if the page is visible and its view was not sent yet. With `path`, always sends a view
   * of that path, or of the current page if the path is empty.
   */
  const sendView = async (event?: Partial<PageTransitionEvent>, path?: string) => {
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
      const url = resolve(data["track"] || "analytics/track")
      let session_id: string | undefined
      try {
        // Access to storage can be denied.
        if (data["session"] !== "off") session_id = sessionStorage["hydracore"] ||= `${Math.random()}`
      } catch {}
      const body = JSON.stringify({
        site_id: data["site"],
        page_path: `${path || currentPath() + location.search}`.slice(0, 2048),
        // An element named `referrer` would replace `document.referrer`.
        referrer: `${referrer}`,
        screen_width: screen.width,
        session_id
      })
      referrer = location.href
      const retry = () => {
        if (retries.delete(retry)) navigator.sendBeacon(url, body)
      }
      try {
        // A string body has the type text/plain, which needs no preflight.
        const { headers, status } = await fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" })
        if (status === 429 || status === 503) throw headers.get("retry-after")
      } catch (seconds) {
        retries.add(retry)
        // A random delay spreads the retries of many visitors.
        setTimeout(retry, (+(seconds as string) || 2) * (1 + Math.random()) * 1e3)
      }
    } catch {
      // The page may have changed globals. It must not see an error.
    }
  }

  window.hydracore = { track: (path) => void sendView({}, path || "") }

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

  const loadForms = async () => {
    try {
      if (document.querySelector("[data-hydracore-form]")) {
        observer.disconnect()
        await import(resolve(FORMS_FILE))
      }
    } catch {}
  }
  const observer = new MutationObserver(loadForms)
  observer.observe(document, { childList: true, subtree: true })
  loadForms()

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
