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
  /** Tells of a view of `path`, or of the current page, also where it was told of already. */
  readonly track: (path?: string) => void
}

declare global {
  interface Window {
    hydracore?: Hydracore
  }
}

const { document, location, navigator } = window

const start = (script: HTMLScriptElement) => {
  const { automated, dnt, hash, local, session, site, track } = script.dataset
  const off =
    !site ||
    (dnt != null &&
      (navigator.doNotTrack === "1" || (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl)) ||
    (automated == null && navigator.webdriver) ||
    (local == null && /^$|^(.+\.)?localhost$|^127\.|^\[::1?]$|^0\./.test(location.hostname))

  /** What waits for its second and last attempt. */
  const waiting = new Set<() => void>()
  let { referrer } = document
  /** The path that was told of last. */
  let told: string | undefined

  const url = new URL(track || "analytics/track", script.src)

  const send = (path: string) => {
    let session_id: string | undefined
    try {
      if (session !== "off") {
        session_id = sessionStorage["hydracore"] ||= crypto.getRandomValues(new Uint32Array(3)).join("-")
      }
    } catch {
      // A page may be forbidden to keep anything.
    }
    // A text needs no preflight.
    const body = JSON.stringify({
      site_id: site,
      page_path: path.slice(0, 2048),
      referrer,
      screen_width: screen.width,
      session_id
    })
    referrer = location.href
    const post = async () => fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" })
    const retryAfter = (seconds: number) => {
      const retry = () => {
        if (waiting.delete(retry)) navigator.sendBeacon(url, body) || post().catch(() => {})
      }
      waiting.add(retry)
      // Not everybody at the same moment.
      setTimeout(retry, seconds * (1e3 + Math.random() * 1e3))
    }
    post().then(
      ({ headers, status }) => {
        if (status === 429 || status === 503) retryAfter(Number(headers.get("retry-after")) || 2)
      },
      () => retryAfter(2)
    )
  }

  /** Tells of a path, or of the current page if it is seen and not told of yet. */
  const view = (path?: string, again?: boolean) => {
    try {
      const here =
        hash == null ? location.pathname : (location.pathname + location.hash).replace(/\/*#!?\/*/, "/")
      if (off) return
      if (path ?? again) send(path ?? here + location.search)
      else if (told !== here && document.visibilityState === "visible" && !(document as { prerendering?: boolean }).prerendering) {
        told = here
        send(here + location.search)
      }
    } catch {
      // Whatever this page does to its globals is not to be answered with an error.
    }
  }
  void view
}

if (!window.hydracore && document.currentScript) start(document.currentScript as HTMLScriptElement)
