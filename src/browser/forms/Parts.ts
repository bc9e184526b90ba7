/**
 * Loads the other parts of the form enhancer: `forms-faults.js` and the style sheet.
 *
 * @module
 */
import type * as Faults from "../forms-faults.ts"

/** The file names of the parts, defined by the bundler. */
declare const FAULTS_FILE: string
declare const STYLE_FILE: string

const resolve = (file: string): string => new URL(file, import.meta.url).href

/** What `forms-faults.js` exports, once it is loaded. */
export let faults: typeof Faults | undefined

/** Loads `forms-faults.js`. Returns undefined if that fails. */
export const loadFaults = async (): Promise<typeof Faults | undefined> => {
  try {
    faults ??= (await import(resolve(FAULTS_FILE))) as typeof Faults
  } catch {
    // The edge may be unreachable. The callers do without the script.
  }
  return faults
}

let isStyled = false

/**
 * Adds the style sheet, once. A constructed style sheet is allowed by a strict Content-Security-Policy, and is not removed by
 * frameworks that replace the page's head. Browsers without constructed style sheets show the messages as plain text.
 */
export const addStyle = async (): Promise<void> => {
  if (isStyled) return
  isStyled = true
  try {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(await (await fetch(resolve(STYLE_FILE))).text())
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
  } catch {
    // The form works without it.
  }
}
