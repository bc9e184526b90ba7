/**
 * The chat's parts and how they are opened, closed and typed into; what they do is told from outside.
 *
 * @module
 */
import { icon, make } from "./dom.ts"
import type { Speech } from "./speech.ts"
import { fill, type Strings } from "./strings.ts"
import type { Transcript } from "./transcript.ts"

export interface Options {
  /** Read anew whenever a text is shown. */
  readonly strings: Strings
  readonly transcript: Transcript
  readonly speech: Speech
  /** A message, trimmed, never empty. */
  readonly onSend: (message: string) => void
  readonly onStop: () => void
  readonly onNew: () => void
  /** The panel was opened or closed. */
  readonly onToggle: (open: boolean) => void
}

export interface Panel {
  readonly elements: ReadonlyArray<HTMLElement>
  readonly input: HTMLTextAreaElement
  readonly isOpen: () => boolean
  /** Opens; the focus goes to the message's field unless it is told to stay. */
  readonly show: (focus?: boolean) => void
  /** Closes, and gives the focus back. */
  readonly hide: () => void
  /** While an answer is written, it can be stopped and nothing else is sent. */
  readonly setBusy: (busy: boolean) => void
  /** Shows on the button that an answer came while nobody looked. */
  readonly setUnread: (unread: boolean) => void
  /** Puts the texts in place, as they are now. */
  readonly relabel: () => void
  /** Places it anew, if it is open. */
  readonly replace: () => void
  /** Stops listening to the page. */
  readonly dispose: () => void
}

/** Where the panel fills the window and the page behind it can wait. */
export const narrow = "(max-width: 30rem), (max-height: 26rem)"

/** The edge takes 8000 characters; this counts UTF-16 units, of which there are never fewer. */
const maxMessage = "8000"

const button = (part: string, picture: Parameters<typeof icon>[0], type = "button") =>
  make("button", { part: `button ${part}`, type }, icon(picture))

export const makePanel = (options: Options): Panel => {
  const { speech, strings, transcript } = options
  const badge = make("span", { part: "badge", hidden: "" })
  const name = make("span")
  const launcher = make(
    "button",
    { part: "launcher", type: "button", "aria-haspopup": "dialog" },
    icon("chat"),
    name,
    badge
  )
  const title = make("h2", { part: "title" })
  const renew = button("new", "renew")
  const close = button("close", "close")
  const input = make("textarea", {
    part: "input",
    rows: "1",
    maxlength: maxMessage,
    dir: "auto",
    enterkeyhint: "send"
  })
  const send = button("send", "send", "submit")
  const stop = button("stop", "stop")
  const form = make("form", { part: "composer" }, input, send, stop)
  const dialog = make(
    "dialog",
    { part: "panel" },
    make("header", { part: "header" }, title, renew, close),
    make("div", { class: "middle" }, ...transcript.elements),
    form,
    speech.region
  )
  const narrowly = matchMedia(narrow)
  let open = false
  let busy = false

  const setUnread = (unread: boolean): void => {
    badge.hidden = !unread
    launcher.ariaLabel = fill(unread ? strings.unread : strings.open, strings)
  }

  const relabel = (): void => {
    name.textContent = title.textContent = dialog.ariaLabel = strings.heading
    renew.ariaLabel = strings.newConversation
    close.ariaLabel = strings.close
    input.ariaLabel = strings.message
    input.placeholder = strings.placeholder
    send.ariaLabel = strings.send
    stop.ariaLabel = strings.stop
    setUnread(!badge.hidden)
    transcript.relabel()
  }

  const place = (): void => {
    if (narrowly.matches) dialog.showModal()
    // `show()` would move the focus, which is not always wanted.
    else dialog.open = true
  }

  const show = (focus = true): void => {
    if (open) return
    open = true
    place()
    launcher.hidden = true
    setUnread(false)
    transcript.toEnd()
    if (focus) input.focus()
    options.onToggle(true)
  }

  const hide = (): void => {
    if (!open) return
    open = false
    // A panel that fills the window had the focus, even where it was last in the browser's own controls.
    const focused = narrowly.matches || dialog.matches(":focus-within")
    dialog.close()
    launcher.hidden = false
    if (focused) launcher.focus()
    options.onToggle(false)
  }

  /** The same panel, placed anew. */
  const replace = (): void => {
    if (!open) return
    const focused = dialog.querySelector<HTMLElement>(":focus")
    dialog.close()
    place()
    focused?.focus()
  }

  launcher.onclick = () => show()
  close.onclick = hide
  renew.onclick = () => {
    options.onNew()
    input.focus()
  }
  stop.onclick = () => {
    options.onStop()
    input.focus()
  }
  form.onsubmit = (event) => {
    event.preventDefault()
    const message = input.value.trim()
    if (busy || message === "") return
    input.value = ""
    options.onSend(message)
    input.focus()
  }
  input.onkeydown = (event) => {
    // While a word is being composed, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return
    event.preventDefault()
    form.requestSubmit()
  }
  dialog.onkeydown = (event) => {
    if (event.key !== "Escape" || event.isComposing) return
    event.preventDefault()
    hide()
  }
  // To the page they come from an element that is no field: what is typed would be taken for its shortcuts.
  for (const type of ["keydown", "keypress", "keyup"]) {
    dialog.addEventListener(type, (event) => event.stopPropagation())
  }
  // A browser may close it by other means, such as a phone's gesture for "back".
  dialog.onclose = () => {
    if (!dialog.open) hide()
  }
  // The window became narrow or wide.
  narrowly.onchange = replace
  relabel()

  return {
    elements: [launcher, dialog],
    input,
    isOpen: () => open,
    show,
    hide,
    setBusy: (now) => {
      busy = now
      send.hidden = now
      stop.hidden = !now
      transcript.log.ariaBusy = String(now)
    },
    setUnread,
    relabel,
    replace,
    dispose: () => {
      narrowly.onchange = null
    }
  }
}
