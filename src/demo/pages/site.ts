/**
 * The demo website's navigation: links of its own swap the page's main part without loading the page anew, so that the
 * tracker is seen to follow `pushState`. Without this script they are links like any other.
 *
 * @module
 */

const root = "/demo/site"

const isOwn = (url: URL): boolean =>
  url.origin === location.origin && (url.pathname === root || url.pathname.startsWith(`${root}/`))

/** Marks where we are, and tells the frame around the website, if there is one. */
const settle = (): void => {
  for (const link of document.querySelectorAll<HTMLAnchorElement>("nav a")) {
    if (link.pathname === location.pathname) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
  if (parent !== window) parent.postMessage({ hydracoreDemo: location.pathname }, location.origin)
}

/** The page that was asked for last; an older one that comes later is not shown. */
let wanted = 0

const show = async (url: string): Promise<void> => {
  const turn = ++wanted
  const main = document.querySelector("main")
  try {
    const response = await fetch(url)
    if (!response.ok) throw new Error(String(response.status))
    const page = new DOMParser().parseFromString(await response.text(), "text/html")
    const next = page.querySelector("main")
    if (turn !== wanted || main === null || next === null) return
    main.replaceChildren(...next.childNodes)
    document.title = page.title
    settle()
    scrollTo(0, 0)
    main.focus({ preventScroll: true })
  } catch {
    if (turn === wanted) location.assign(url)
  }
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null
  if (link === null || event.defaultPrevented || event.button !== 0) return
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target !== "" || link.hash !== "") return
  const url = new URL(link.href)
  if (!isOwn(url)) return
  event.preventDefault()
  if (url.pathname === location.pathname) return
  history.pushState({}, "", url)
  void show(url.href)
})
addEventListener("popstate", () => void show(location.href))
settle()
