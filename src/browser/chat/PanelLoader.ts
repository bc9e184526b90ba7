/**
 * Loads `chat-panel.js`, from where this script was loaded.
 *
 * This script must not contain `import.meta`: without `type="module"` it would be a syntax error, and
 * nothing would log what to change.
 *
 * @module
 */
import { trimEnd } from "./TrimEnd.ts"

/** The file name of the panel's script, defined by the bundler. */
declare const PANEL_FILE: string

/** What `chat-panel.js` returns for an element. */
export interface RunningChat {
  /** Opens the panel, with what the visitor has typed while it was loaded. */
  readonly show: (typed?: string) => void
  readonly hide: () => void
  /** The element was added to the page or moved. */
  readonly connected: () => void
  readonly disconnected: () => void
  /** The value of an attribute has changed. */
  readonly changed: (name: string) => void
}

interface PanelScript {
  readonly start: (host: HTMLElement, launcher: HTMLButtonElement) => RunningChat
}

/** An element named `currentScript` would replace `document.currentScript`, so the property is read from the prototype. */
const script = Reflect.get(Document.prototype, "currentScript", document) as HTMLScriptElement | null

/** Whether this script was loaded without `type="module"`. */
export const isClassic = script !== null

let attempts = 0

/**
 * Loads the panel's script.
 *
 * @param base the edge's address from the `base` attribute, absolute or relative to the page
 */
export const loadPanel = (base: string | null): Promise<PanelScript> => {
  // Browsers may cache that an address could not be loaded.
  const file = PANEL_FILE + (attempts++ === 0 ? "" : `?${attempts}`)
  let address = `./${file}`
  if (base !== null) address = new URL(`${trimEnd(base, "/")}/v1/public/${file}`, document.baseURI).href
  else if (script !== null) address = new URL(file, script.src).href
  return import(address)
}
