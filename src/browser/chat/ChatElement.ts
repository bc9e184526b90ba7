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
import { labelLauncher, makeLauncher } from "./Launcher.ts"
import { loadPanel, type RunningChat } from "./PanelLoader.ts"
import { loadJson } from "./StoredJson.ts"

/**
 * The style sheet of the button, shared by all chats of a page. It declares the custom properties that the panel uses. It is
 * constructed, because a strict Content-Security-Policy forbids `<style>`. Inside the chat, the page's own styles do not apply,
 * except for those of parts, custom properties, the writing direction and the color scheme.
 *
 * Most sizes are in `em`, so they follow the visitor's font size. The source is compact because the bundler does little to it:
 * it writes the design's colours in place of `var(--design-...)`, removes line breaks, and shortens the names of custom properties without the prefix `--hydracore-`.
 */
const css = `
:host{all:initial;color-scheme:inherit;
--accent:var(--hydracore-accent,var(--design-solid));
--on-accent:var(--hydracore-on-accent,#fff);
--background:var(--hydracore-background,var(--design-raised));
--surface:var(--hydracore-surface,var(--design-soft));
--text:var(--hydracore-text,var(--design-text));
--muted:var(--hydracore-muted,var(--design-muted));
--edge:var(--hydracore-border,var(--design-line));
--link:var(--hydracore-link,var(--design-accent));
--fault:var(--hydracore-error,var(--design-bad));
--radius:var(--hydracore-radius,18px);
--inset:var(--hydracore-offset,20px);
position:fixed;bottom:var(--inset);inset-inline-end:var(--inset);z-index:var(--hydracore-z-index,2147483000);
font:400 max(.9375rem,15px)/1.5 var(--hydracore-font,system-ui,sans-serif)!important;color:var(--text)!important}
:host([theme=light]){color-scheme:light}
:host([theme=dark]){color-scheme:dark}
:host([theme=auto]){color-scheme:light dark}
:host([side=start]){inset-inline:var(--inset) auto}
:host([hidden]),[hidden]{display:none!important}
*,::after{box-sizing:border-box;margin:0}
button{border:1px solid transparent;border-radius:2em;background:none;font:inherit;color:inherit;cursor:pointer}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.icon{width:1.35em;height:1.35em;flex:none;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.launcher{position:relative;display:flex;align-items:center;gap:.6em;max-width:calc(100vw - 2*var(--inset));min-height:3.4em;padding:.5em 1.2em;background:var(--accent);color:var(--on-accent);font-weight:600;box-shadow:0 8px 24px -6px #0005}
.launcher:hover{filter:brightness(1.1)}
.launcher span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
@media print{:host{display:none!important}}
`

export const sheet = new CSSStyleSheet()
sheet.replaceSync(css)

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
