/**
 * The tracker: tells the edge of the page views of the website that carries it, and loads the form enhancer where there is
 * a form for it. It is a guest on other people's pages: it stays under 1,000 bytes gzipped, and never throws into the page.
 *
 *     <script defer src="https://edge.example/v1/public/embed.js" data-site="<tracking_token>"></script>
 *
 * Everything is found beside the script's own address, so that it works behind a website's own proxy too. Attributes of
 * the script besides `data-site` (without which nothing is tracked, and forms work all the same):
 *
 * - `data-hash`: a change of the fragment is a page view, for websites that route by it.
 * - `data-session="off"`: nothing is kept in sessionStorage, and no session is told.
 * - `data-dnt`: who asks not to be tracked (Do Not Track, Global Privacy Control) is not.
 * - `data-local`: localhost and files are tracked too.
 * - `data-automated`: browsers that a program drives are tracked too.
 * - `data-track`: another address for page views, relative to the script's, for a proxy that renames it.
 *
 * @module
 */

/** The name of the form enhancer's file, put in when this is bundled. */
declare const FORMS_FILE: string

/** What a page may call. */
export interface Hydracore {
  /** Tells of a view of `path`, or of the current page even if it was told of already. */
  readonly track: (path?: string) => void
}

declare global {
  interface Window {
    hydracore?: Hydracore
  }
}

const start = (script: HTMLScriptElement) => {
  const data = script.dataset
  const beside = (path: string) => new URL(path, script.src).href
  /** What waits for its second and last attempt. */
  const waiting = new Set<() => void>()
  let { referrer } = document
  /** The path that was told of last. */
  let told: string | undefined

  // Cut before it is searched: a visitor may be sent to a path of nothing but slashes.
  const here = () =>
    (location.pathname.slice(0, 2048) + (data["hash"] == null ? "" : location.hash)).replace(/\/*#!?\/*/, "/")

  /** Tells of the current page, if it is seen and was not told of yet; or of any path, where the empty one is the page's. */
  const view = async (event?: Partial<PageTransitionEvent>, path?: string) => {
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
      // The page comes back as it was left.
      if (event?.persisted) told = ""
      if (path == null) {
        if (document.hidden === true) {
          // A page that is left may not come back: what waits is sent now. (One that is prerendered is hidden, too,
          // until it is shown.)
          for (const retry of waiting) retry()
          return
        }
        if (told === here()) return
        told = here()
      }
      const url = beside(data["track"] || "analytics/track")
      let session_id: string | undefined
      try {
        // A page may be forbidden to keep anything.
        if (data["session"] !== "off") session_id = sessionStorage["hydracore"] ||= `${Math.random()}`
      } catch {}
      const body = JSON.stringify({
        site_id: data["site"],
        page_path: `${path || here() + location.search}`.slice(0, 2048),
        // Where an element of the page is named `referrer`, it is what the document gives.
        referrer: `${referrer}`,
        screen_width: screen.width,
        session_id
      })
      referrer = location.href
      const retry = () => {
        if (waiting.delete(retry)) navigator.sendBeacon(url, body)
      }
      try {
        // Sent as text, so without a preflight.
        const { headers, status } = await fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" })
        if (status === 429 || status === 503) throw headers.get("retry-after")
      } catch (seconds) {
        waiting.add(retry)
        // Not everybody at the same moment.
        setTimeout(retry, (+(seconds as string) || 2) * (1 + Math.random()) * 1e3)
      }
    } catch {
      // Whatever a page does to its globals, it is not answered with an error.
    }
  }

  window.hydracore = { track: (path) => void view({}, path || "") }

  for (const method of ["pushState", "replaceState"] as const) {
    const original = history[method]
    history[method] = function (...args) {
      original.apply(this, args)
      view()
    }
  }
  for (const type of ["popstate", "pageshow", "visibilitychange"]) {
    addEventListener(type, view, true)
  }
  view()

  const look = async () => {
    try {
      if (document.querySelector("[data-hydracore-form]")) {
        observer.disconnect()
        await import(beside(FORMS_FILE))
      }
    } catch {}
  }
  const observer = new MutationObserver(look)
  observer.observe(document, { childList: true, subtree: true })
  look()

  // For routers that leave the history's methods alone. Last of all, as it throws in browsers that do not know it.
  navigation.addEventListener("currententrychange", view)
}

try {
  // A page whose parts are swapped by a script may run this one again. And an element may be named `currentScript`: then
  // the document gives that one, if it is not asked like this.
  if (!window.hydracore?.track) start(Reflect.get(Document.prototype, "currentScript", document) as HTMLScriptElement)
} catch {
  // As above.
}
