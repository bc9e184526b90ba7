/**
 * The demo website's navigation: internal links replace the main element without a page load, to show that the tracker
 * follows `pushState`. Without this script they are ordinary links.
 *
 * @module
 */

const root = "/demo/site"

const isInternal = (url: URL): boolean =>
  url.origin === location.origin && (url.pathname === root || url.pathname.startsWith(`${root}/`))

/** Marks the current page, and reports it to the surrounding frame, if any. */
const updateLocation = (): void => {
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
  if (parent !== window) parent.postMessage({ hydracoreDemo: location.pathname }, location.origin)
}

/** The number of the latest navigation; earlier ones that finish later are ignored. */
let latest = 0

const show = async (url: string): Promise<void> => {
  const turn = ++latest
  const main = document.querySelector("main")
  try {
    const response = await fetch(url)
    if (!response.ok) throw new Error(String(response.status))
    const page = new DOMParser().parseFromString(await response.text(), "text/html")
    const next = page.querySelector("main")
    if (turn !== latest || main === null || next === null) return
    main.replaceChildren(...next.childNodes)
    document.title = page.title
    updateLocation()
    scrollTo(0, 0)
    main.focus({ preventScroll: true })
  } catch {
    if (turn === latest) location.assign(url)
  }
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null
  if (link === null || event.defaultPrevented || event.button !== 0) return
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target !== "" || link.hash !== "") return
  const url = new URL(link.href)
  if (!isInternal(url)) return
  event.preventDefault()
  if (url.pathname === location.pathname) return
  history.pushState({}, "", url)
  void show(url.href)
})
addEventListener("popstate", () => void show(location.href))
updateLocation()
