/**
 * The design that every page, mail and widget shares: colours, sizes, fonts and the mark. Style sheets get it from the build
 * (`scripts/build/Bundle.ts`): `@import ".../Design.ts"` declares it as custom properties, and where a page of somebody else must
 * not get these, `var(--design-accent)` becomes the value itself. Mails and pages without a style sheet import it. Pure.
 *
 * @module
 */

/**
 * Each colour in the light and in the dark scheme. On `back`, `raised`, `soft` and `accent-soft`, the colours of text have a
 * contrast of at least 4.5 to 1.
 */
export const colors = {
  /** The page, and what lies on it. */
  back: ["#ffffff", "#0a1017"],
  raised: ["#ffffff", "#121b25"],
  soft: ["#f4f6f8", "#18232e"],
  line: ["#e1e6eb", "#2b3a49"],
  "strong-line": ["#bcc6d0", "#4a5d70"],
  text: ["#0f1720", "#e8edf2"],
  muted: ["#566472", "#9fb0c0"],
  /** What is chosen, links, and what a page wants one to press. */
  accent: ["#057a60", "#63e6be"],
  "on-accent": ["#ffffff", "#06281f"],
  "accent-soft": ["#e4f6ef", "#0f2f2b"],
  /** The accent behind white text in both schemes: a website that sets its own accent keeps the white text. */
  solid: ["#057a60", "#0b8468"],
  "on-solid": ["#ffffff", "#ffffff"],
  /** On pages of somebody else: the edge of a field, a field with a fault, and code. */
  edge: ["#7d8b98", "#7d8b98"],
  fault: ["#d9485a", "#d9485a"],
  ink: ["#0b0f14", "#0b0f14"],
  "on-ink": ["#e8edf2", "#e8edf2"],
  good: ["#146c43", "#5ed49a"],
  "good-soft": ["#e6f5ec", "#11351f"],
  bad: ["#b3212f", "#ff9a9f"],
  "bad-soft": ["#fdeef0", "#40181d"],
  warn: ["#7a4a00", "#f2c575"],
  "warn-soft": ["#fdf3dd", "#33270f"],
  danger: ["#b3212f", "#e5535b"],
  "on-danger": ["#ffffff", "#1c0506"],
  /** Beside the accent, in charts and lists. */
  blue: ["#1b62a5", "#6fc3ff"],
  amber: ["#8a5a00", "#ffc46b"],
  before: ["#8492a0", "#6b7c8d"]
} as const

/** What darkens: a shadow, and what lies below a dialog. */
const shades = {
  shade: ["rgb(15 23 32 / 0.2)", "rgb(0 0 0 / 0.7)"],
  scrim: ["rgb(15 23 32 / 0.32)", "rgb(0 0 0 / 0.6)"]
} as const

/** What is not a colour. */
const sizes = {
  "radius-small": "6px",
  radius: "8px",
  "radius-large": "12px",
  tiny: "0.75rem",
  small: "0.8125rem",
  base: "0.875rem",
  large: "1rem",
  title: "1.25rem",
  figure: "1.625rem",
  display: "clamp(2rem, 5vw, 3rem)",
  "space-1": "0.25rem",
  "space-2": "0.5rem",
  "space-3": "0.75rem",
  "space-4": "1rem",
  "space-6": "1.5rem",
  "space-8": "2rem",
  "space-12": "3rem"
} as const

/** The fonts where none is loaded: in mails, and on pages that visitors of websites see. */
export const systemFont = '-apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
export const codeFont = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace'

/** The family of the font that the service serves (`src/pages/font`). */
const fontFamily = "Geist"

/** The values of all names. */
const values = (): Readonly<Record<string, string>> => ({
  ...Object.fromEntries(
    Object.entries({ ...colors, ...shades }).map(([name, [light, dark]]) => [
      name,
      light === dark ? light : `light-dark(${light}, ${dark})`
    ])
  ),
  ...sizes,
  shadow: "0 10px 32px -8px var(--shade), 0 0 0 1px var(--line)",
  code: codeFont
})

/** The characters of the font's second file. */
const extension = "U+100-130, U+132-151, U+154-17F, U+218-21B, U+1E80-1E85, U+1E9E, U+1EF2-1EF3"

const fontFace = (url: string, more: string): string => `@font-face {
  font-family: ${fontFamily};
  font-display: swap;
  font-weight: 100 900;
  src: url("${url}") format("woff2");${more}
}`

/** The style sheet for pages that load the font, and its second file if they have a character of it. */
export const styleSheet = (fontUrl: string, extensionUrl: string): string => `${fontFace(fontUrl, "")}
${fontFace(extensionUrl, `\n  unicode-range: ${extension};`)}
:root {
  ${Object.entries(values())
    .map(([name, value]) => `--${name}: ${value};`)
    .join("\n  ")}
  --sans: ${fontFamily}, ${systemFont};
}
`

/** Replaces `var(--design-…)` by the values, in a style sheet that declares nothing. */
export const inlined = (css: string): string => {
  const all = values()
  return css.replaceAll(/var\(--design-([\w-]+)\)/g, (_, name: string) => {
    const value = all[name]
    if (value === undefined) throw new Error(`The design has no "${name}".`)
    return value
  })
}

/** The mark of HydraCore on a grid of 24, three heads of one body: lines to draw, and dots to fill. */
export const mark = {
  lines: "M12 20.500V6M12 19.500C12 13 5.500 15 5.500 9M12 19.500C12 13 18.500 15 18.500 9",
  dots: [
    [12, 4.5],
    [5.5, 7.5],
    [18.5, 7.5]
  ],
  dotRadius: 2.25,
  strokeWidth: 2
} as const

const shapes = (): string =>
  `<path d="${mark.lines}" fill="none" stroke="currentColor" stroke-width="${mark.strokeWidth}" stroke-linecap="round"/>${mark.dots
    .map(([x, y]) => `<circle cx="${x}" cy="${y}" r="${mark.dotRadius}" fill="currentColor"/>`)
    .join("")}`

/** The mark as SVG, in the colour of the text around it. */
export const markSvg = (): string => `<svg class="mark" viewBox="0 0 24 24" aria-hidden="true">${shapes()}</svg>`

/** The icon of a page as a URL: the mark in the dark scheme's accent on its back. */
export const iconUrl = (): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-6 -6 36 36" color="${colors.accent[1]}"><rect x="-6" y="-6" width="36" height="36" rx="9" fill="${colors.back[1]}"/>${shapes()}</svg>`
  )}`
