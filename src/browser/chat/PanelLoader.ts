/**
 * Loads `chat-panel.js` from the address of `chat.js`, which contains this module, or from that of the `base` attribute.
 *
 * This module must not contain `import.meta`: if the tag of `chat.js` lacks `type="module"`, that would be a syntax error, and
 * nothing would log what to change.
 *
 * @module
 */
import { trimEnd } from "./Addresses.ts"

/** The file name of the panel's script, defined by the bundler. */
declare const PANEL_FILE: string

/** What the `start` of `chat-panel.js` returns for an element. */
export interface RunningChat {
  /** Opens the panel, with what the visitor has typed while it was loading. */
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

/**
 * The tag of `chat.js`; null if it has `type="module"`. An element named `currentScript` would replace
 * `document.currentScript`, so the property is read from the prototype.
 */
const script = Reflect.get(Document.prototype, "currentScript", document) as HTMLScriptElement | null

/** Whether `chat.js` was loaded without `type="module"`. */
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
