/**
 * The script for events. The tracker loads it when a page calls `hydracore.event(...)` or has an element with one of the
 * first three of these attributes:
 *
 * - `data-hydracore-event="Signup"` on a form: the form's submission is the event `Signup`. On any other element: a click on
 *   the element is the event.
 * - `data-downloads` on the tracker's tag: a click on a link to a file is the event `File Download`. The value can name the
 *   extensions of files, such as `pdf,zip`.
 * - `data-outbound` on the tracker's tag: a click on any other link to another host is the event `Outbound Link: Click`.
 * - `data-events` on the tracker's tag: the address for events, relative to that of `embed.js`, if a proxy renames it.
 *
 * `File Download` and `Outbound Link: Click` have the property `url`: the link's address without its query and fragment,
 * which may contain secrets.
 *
 * @module
 */

/** Sends a record with `fields` to an address, which is relative to that of `embed.js`. The empty path is the current page. */
export type Send = (address: string, path: "", fields: object) => void

export type SendEvent = (
  name: string,
  properties?: Readonly<Record<string, string | number | boolean>>,
  options?: {
    readonly revenue?: { readonly currency: string; readonly amount: number }
    readonly interactive?: boolean
  }
) => void

const fileExtensions =
  "7z|avi|csv|dmg|docx|exe|gz|key|midi|mov|mp3|mp4|mpeg|pdf|pkg|pps|ppt|pptx|rar|rtf|txt|wav|wma|wmv|xlsx|zip"

const selector = "[data-hydracore-event]"

// The methods are read from the prototype: a form's field hides the form's member with the field's name.
const matches = (element: Element, selectors: string): boolean => Element.prototype.matches.call(element, selectors)

const eventOf = (element: Element): string => `${Element.prototype.getAttribute.call(element, "data-hydracore-event")}`

/** Returns the innermost matching element that contains an event's target, or is the target. Looks into open shadow roots. */
const closest = (event: Event, selectors: string): Element | undefined =>
  event.composedPath().find((node): node is Element => node instanceof Element && matches(node, selectors))

/** Adds the listeners, and returns the function that sends an event. `data` holds the attributes of the tracker's tag. */
export const start = (data: DOMStringMap, send: Send): SendEvent => {
  const sendEvent: SendEvent = (name, properties, options) =>
    send(data["events"] || "analytics/event", "", { name, properties, ...options })

  const downloads = data["downloads"]
  const extensions = new RegExp(
    `\\.(?:${downloads?.replace(/[^\w,]/g, "").replaceAll(",", "|") || fileExtensions})$`,
    "i"
  )

  const sendLink = ({ host, origin, pathname, protocol }: URL) => {
    const isWeb = /^https?:$/.test(protocol)
    const properties = { url: (origin + pathname).slice(0, 2000) }
    if (isWeb && downloads != null && extensions.test(pathname)) sendEvent("File Download", properties)
    else if (isWeb && data["outbound"] != null && host !== location.host) sendEvent("Outbound Link: Click", properties)
  }

  const onClick = (event: MouseEvent) => {
    try {
      // Only the primary and the middle button open a link.
      if (event.button > 1) return
      const element = closest(event, selector)
      const link = closest(event, "a[href]")
      if (element && !matches(element, "form")) sendEvent(eventOf(element))
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
      if (matches(form, selector)) sendEvent(eventOf(form))
    },
    true
  )
  return sendEvent
}
