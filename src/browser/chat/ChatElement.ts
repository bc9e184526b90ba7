/**
 * `<hydracore-chat>`: a conversation with an instance's agent. Attributes:
 *
 * - `instance` and `token`: the instance's id and a widget token for it, as in the website's snippet.
 * - `heading`: the title of the panel.
 * - `suggestions`: messages that are offered before the first message, as a JSON list.
 * - `strings`: replacements for the texts of `Strings`, as JSON.
 * - `base`: the edge's address, by default the one from which the script was loaded.
 * - `theme`: `light`, `dark` or `auto` (the visitor's preference); by default the page's color scheme.
 * - `side`: `start` or `end`, the side of the window for the button and the panel, in the writing direction; by default `end`.
 * - `data-leads="off"`: links a chat that begins to no visit.
 * - `open`: opens the panel for a new conversation, unless the panel would fill the window.
 *
 * @module
 */

import { loadJson } from "./ConversationStore.ts"
import { labelLauncher, makeLauncher } from "./Launcher.ts"
import { sheet } from "./LauncherStyle.ts"
import { loadPanel, type RunningChat } from "./PanelLoader.ts"

export class HydracoreChat extends HTMLElement {
  static readonly observedAttributes = ["instance", "heading", "strings", "suggestions"]

  readonly #launcher = makeLauncher()
  #chat: RunningChat | undefined
  #isLoading = false
  /** Whether the panel opens once it is loaded. */
  #isRequested = false
  /** What the visitor types while the panel loads. */
  #typed = ""
  /** A page from the back-forward cache may have missed a conversation of a later page. */
  readonly #onPageShow = (): void => this.#loadIfUsed()

  constructor() {
    super()
    const root = this.attachShadow({ mode: "open" })
    root.adoptedStyleSheets = [sheet]
    root.append(this.#launcher)
    this.#launcher.onclick = () => this.show()
    this.#launcher.onkeydown = this.#launcher.onkeyup = (event) => this.#type(event)
    this.#launcher.onpointerenter = this.#launcher.onfocus = () => this.#load()
  }

  /** Opens the panel. */
  show(): void {
    this.#isRequested = true
    if (this.#chat === undefined) this.#load()
    else this.#chat.show()
  }

  /** Closes the panel. */
  hide(): void {
    this.#isRequested = false
    this.#chat?.hide()
  }

  connectedCallback(): void {
    if (this.#chat === undefined) {
      addEventListener("pageshow", this.#onPageShow)
      labelLauncher(this.#launcher, this, false)
      this.#loadIfUsed()
    } else this.#chat.connected()
    // Frameworks may set the attributes after they have added the element.
    setTimeout(() => {
      if (this.isConnected && !this.getAttribute("instance")) {
        console.error(
          "<hydracore-chat>: the attribute `instance` is missing. `hydracore site snippet --instance` prints the complete tag."
        )
      }
    })
  }

  disconnectedCallback(): void {
    removeEventListener("pageshow", this.#onPageShow)
    this.#chat?.disconnected()
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    // Frameworks may set an attribute to its present value.
    if (before === after) return
    if (this.#chat !== undefined) this.#chat.changed(name)
    else if (this.isConnected) {
      labelLauncher(this.#launcher, this, false)
      this.#loadIfUsed()
    }
  }

  /** Collects what is typed while the panel loads, and hides the keys from the page's keyboard shortcuts. */
  #type(event: KeyboardEvent): void {
    if (!this.#isRequested || this.#chat !== undefined || event.key.length > 1 || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    event.stopPropagation()
    if (event.type === "keydown") this.#typed += event.key
  }

  /** Loads the panel if it may have to open by itself, or if this tab has stored a conversation. */
  #loadIfUsed(): void {
    if (this.hasAttribute("open") || loadJson(this.getAttribute("instance") ?? "") !== null) this.#load()
  }

  async #load(): Promise<void> {
    if (this.#isLoading || this.#chat !== undefined) return
    this.#isLoading = true
    try {
      const { start } = await loadPanel(this.getAttribute("base"))
      removeEventListener("pageshow", this.#onPageShow)
      this.#chat = start(this, this.#launcher)
      if (this.isConnected) this.#chat.connected()
      if (this.#isRequested) this.#chat.show(this.#typed)
    } catch (error) {
      console.error("<hydracore-chat>: the panel did not load.", error)
      labelLauncher(this.#launcher, this, this.#isRequested)
      this.#isRequested = false
      this.#typed = ""
    }
    this.#isLoading = false
  }
}
