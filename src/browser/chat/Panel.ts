/**
 * The chat's user interface: the panel with its buttons and text field, and the button that opens it. Callbacks decide what
 * happens.
 *
 * @module
 */
import { icon, make } from "./Dom.ts"
import { setLauncherTexts } from "./Launcher.ts"
import type { Speech } from "./Speech.ts"
import type { Strings } from "./Strings.ts"
import { fill } from "./Texts.ts"
import type { Transcript } from "./Transcript.ts"

export interface Options {
  readonly launcher: HTMLButtonElement
  /** Read each time a text is shown. */
  readonly strings: Strings
  readonly transcript: Transcript
  readonly speech: Speech
  /** Between the messages and the text field. */
  readonly contact: HTMLElement
  /** The visitor sends a message, trimmed and not empty. The text field keeps it. */
  readonly onSend: (message: string) => void
  readonly onStop: () => void
  readonly onNew: () => void
  /** The panel was opened or closed. */
  readonly onToggle: (open: boolean) => void
}

export interface Panel {
  readonly dialog: HTMLElement
  readonly input: HTMLTextAreaElement
  readonly isOpen: () => boolean
  /** Opens the panel, and by default moves the focus into the text field. */
  readonly show: (focus?: boolean) => void
  /** Closes the panel. If the focus is in the panel, moves it to the launcher. */
  readonly hide: () => void
  /** While busy, no message can be sent and the answer can be stopped. */
  readonly setBusy: (busy: boolean) => void
  /** Sets or removes the launcher's badge, which marks an answer that arrived while the panel was closed. */
  readonly setUnread: (unread: boolean) => void
  /** Shows the text field, or hides it while another form takes its place. */
  readonly setComposer: (isShown: boolean) => void
  /** Updates all texts. */
  readonly relabel: () => void
  /** Closes and reopens an open panel, as a modal dialog where the window is narrow. */
  readonly reopen: () => void
  /** Sends a message as if the visitor had typed it, unless an answer is being received. */
  readonly send: (message: string) => void
  /** Removes the panel, the launcher's badge, and the listeners for the window's size. */
  readonly dispose: () => void
}

/** Windows that the panel fills as a modal dialog. */
export const narrowWindow = "(max-width: 30rem), (max-height: 26rem)"

/** The longest message, in UTF-16 units. The edge accepts 8000 characters, each of which has one or two units. */
const maxMessage = "8000"

const button = (part: string, picture: Parameters<typeof icon>[0], type = "button") =>
  make("button", { part: `button ${part}`, type }, icon(picture))

export const makePanel = (options: Options): Panel => {
  const { launcher, speech, strings, transcript } = options
  const badge = make("span", { part: "badge", hidden: "" })
  launcher.append(badge)
  const title = make("h2", { part: "title" })
  const newButton = button("new", "renew")
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
    // Not a `header`, which would be a second banner of the website's page.
    make("div", { part: "header" }, title, newButton, close),
    make("div", { class: "middle" }, ...transcript.elements),
    options.contact,
    form,
    speech.region
  )
  const isNarrow = matchMedia(narrowWindow)
  let isOpen = false
  let isBusy = false

  const setUnread = (unread: boolean): void => {
    badge.hidden = !unread
    setLauncherTexts(launcher, strings.heading, fill(unread ? strings.unread : strings.open, strings))
  }

  const relabel = (): void => {
    title.textContent = dialog.ariaLabel = strings.heading
    newButton.ariaLabel = strings.newConversation
    close.ariaLabel = strings.close
    input.ariaLabel = strings.message
    input.placeholder = strings.placeholder
    send.ariaLabel = strings.send
    stop.ariaLabel = strings.stop
    setUnread(!badge.hidden)
    transcript.relabel()
  }

  const openDialog = (): void => {
    if (isNarrow.matches) dialog.showModal()
    // `dialog.show()` would always move the focus.
    else dialog.open = true
  }

  const show = (focus = true): void => {
    if (isOpen) return
    isOpen = true
    openDialog()
    launcher.hidden = true
    setUnread(false)
    transcript.scrollToEnd()
    if (focus) input.focus()
    options.onToggle(true)
  }

  const hide = (): void => {
    if (!isOpen) return
    isOpen = false
    // While a modal dialog is open, the focus can only be in it or in the browser's own controls.
    const hasFocus = isNarrow.matches || dialog.matches(":focus-within")
    dialog.close()
    launcher.hidden = false
    if (hasFocus) launcher.focus()
    options.onToggle(false)
  }

  const reopen = (): void => {
    if (!isOpen) return
    const focused = dialog.querySelector<HTMLElement>(":focus")
    dialog.close()
    openDialog()
    focused?.focus()
  }

  const sendMessage = (message: string): void => {
    if (isBusy || message === "") return
    options.onSend(message)
  }

  /** Moves the panel out of the way of a phone's keyboard. */
  const fitViewport = (): void => {
    const { height, offsetTop, scale } = visualViewport!
    // On a page that is zoomed in, the panel stays as it is.
    const hidden = scale > 1.01 ? 0 : Math.max(0, innerHeight - height - offsetTop)
    dialog.style.setProperty("--k", `${hidden}px`)
  }
  visualViewport?.addEventListener("resize", fitViewport)
  visualViewport?.addEventListener("scroll", fitViewport)

  close.onclick = hide
  newButton.onclick = () => {
    options.onNew()
    input.focus()
  }
  stop.onclick = () => {
    options.onStop()
    input.focus()
  }
  form.onsubmit = (event) => {
    event.preventDefault()
    sendMessage(input.value.trim())
    input.focus()
  }
  input.onkeydown = (event) => {
    // While an input method composes a word, Enter ends the composition.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return
    event.preventDefault()
    form.requestSubmit()
  }
  dialog.onkeydown = (event) => {
    if (event.key !== "Escape" || event.isComposing) return
    event.preventDefault()
    hide()
  }
  // Outside the shadow root, the target of these events is not a text field, so the page could take them for its shortcuts.
  for (const type of ["keydown", "keypress", "keyup"]) {
    dialog.addEventListener(type, (event) => event.stopPropagation())
  }
  // Browsers can close the dialog themselves, for example by a phone's back gesture.
  dialog.onclose = () => {
    if (!dialog.open) hide()
  }
  isNarrow.onchange = reopen
  relabel()

  return {
    dialog,
    input,
    isOpen: () => isOpen,
    show,
    hide,
    setBusy: (busy) => {
      isBusy = busy
      send.hidden = busy
      stop.hidden = !busy
      transcript.log.ariaBusy = String(busy)
    },
    setUnread,
    setComposer: (isShown) => {
      form.hidden = !isShown
      if (isShown) input.focus()
    },
    relabel,
    reopen,
    send: (message) => {
      sendMessage(message)
      // A phone's keyboard would hide the answer.
      if (isNarrow.matches) transcript.log.focus()
      else input.focus()
    },
    dispose: () => {
      isNarrow.onchange = null
      visualViewport?.removeEventListener("resize", fitViewport)
      visualViewport?.removeEventListener("scroll", fitViewport)
      badge.remove()
      dialog.remove()
      launcher.hidden = false
    }
  }
}
