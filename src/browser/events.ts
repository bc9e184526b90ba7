/**
 * The script for events. The tracker loads it when a page needs it: by
 * `hydracore.event(...)`, by an element with `data-hydracore-event`, or by an attribute of the tracker's own tag.
 *
 * - `data-hydracore-event="Signup"` on an element: a click on it is the event, and on a form its submission.
 * - `data-outbound` on the tag: a click on a link to another host is the event `Outbound Link: Click`.
 * - `data-downloads` on the tag: a click on a link to a file is the event `File Download`. The value can name the extensions,
 *   such as `pdf,zip`.
 * - `data-events` on the tag: the address for events, relative to the script's, if a proxy renames it.
 *
 * The last two have the property `url`: the link's address without its query, which may contain secrets.
 *
 * @module
 */

/** Sends a record of the current page with these fields to an address relative to the tracker's. */
export type Send = (address: string, path: "", fields: object) => void

export type SendEvent = (
  name: string,
  properties?: Readonly<Record<string, string | number | boolean>>,
  options?: {
    readonly revenue?: { readonly currency: string; readonly amount: number }
    readonly interactive?: boolean
  }
) => void

const files =
  "7z|avi|csv|dmg|docx|exe|gz|key|midi|mov|mp3|mp4|mpeg|pdf|pkg|pps|ppt|pptx|rar|rtf|txt|wav|wma|wmv|xlsx|zip"

const marked = "[data-hydracore-event]"

/** The innermost element around an event's target that matches, in open shadow roots too. */
const closest = (event: Event, selector: string): Element | undefined =>
  event.composedPath().find((node): node is Element => node instanceof Element && node.matches(selector))

/** Adds the listeners, and returns the function that sends an event. `data` are the tag's attributes. */
export const start = (data: DOMStringMap, send: Send): SendEvent => {
  const sendEvent: SendEvent = (name, properties, options) =>
    send(data["events"] || "analytics/event", "", { name, properties, ...options })

  const downloads = data["downloads"]
  const extensions = new RegExp(`\\.(?:${downloads?.replace(/[^\w,]/g, "").replaceAll(",", "|") || files})$`, "i")

  const sendLink = ({ host, origin, pathname, protocol }: URL) => {
    const isWeb = /^https?:$/.test(protocol)
    const properties = { url: (origin + pathname).slice(0, 2000) }
    if (isWeb && downloads != null && extensions.test(pathname)) sendEvent("File Download", properties)
    else if (isWeb && data["outbound"] != null && host !== location.host) sendEvent("Outbound Link: Click", properties)
  }

  const onClick = (event: MouseEvent) => {
    try {
      // The secondary button opens the context menu.
      if (event.button > 1) return
      const element = closest(event, marked)
      const link = closest(event, "a[href]")
      if (element && !element.matches("form")) sendEvent(`${element.getAttribute("data-hydracore-event")}`)
      else if (link) sendLink(new URL(`${link.getAttribute("href")}`, document.baseURI))
    } catch {
      // The page must not see an error.
    }
  }

  document.addEventListener("click", onClick, true)
  document.addEventListener("auxclick", onClick, true)
  document.addEventListener(
    "submit",
    ({ target }) => {
      const form = target as Element
      if (form.matches(marked)) sendEvent(`${form.getAttribute("data-hydracore-event")}`)
    },
    true
  )
  return sendEvent
}
