/**
 * The frame of the service's own pages: the guides, the start page and the page of an unknown address. Pure.
 *
 * @module
 */
import { createHash } from "node:crypto"
import * as Design from "../platform/design/Design.ts"
import * as Text from "../platform/text/Text.ts"

/** Sets the chosen theme before the first paint. The console's `Theme.ts` writes the same key. */
export const themeScript =
  'try{let t=localStorage.getItem("hydracore-theme");if(t=="light"||t=="dark")document.documentElement.dataset.theme=t}catch{}'

const inlineScript = /<script(?:\s[^>]*)?>([\s\S]*?)<\/script>/g

const hashOf = (script: string): string => `'sha256-${createHash("sha256").update(script).digest("base64")}'`

/**
 * The sources of `script-src` that allow exactly the scripts that the page contains. The console and the API references are on the
 * same origin, so a script that someone injects there would act with the reader's session.
 */
export const sourcesOf = (html: string): string =>
  Array.from(html.matchAll(inlineScript), ([, script = ""]) => script)
    .filter((script) => script !== "")
    .map(hashOf)
    .join(" ")

/** The paths of the files that the build makes for these pages. */
export interface Files {
  readonly style: string
  /** The style sheet of the API references. */
  readonly referenceStyle: string
  readonly script: string
  readonly font: string
  /** The console in the light and in the dark scheme. */
  readonly picture: string
  readonly darkPicture: string
  /** What the search reads. */
  readonly index: string
}

/** What a server has. */
export interface Parts {
  readonly console: boolean
  readonly demo: boolean
  /** Whether it answers `/readyz`. */
  readonly health: boolean
}

const script = `<script>${themeScript}</script>`

/** Allows this origin's scripts, styles, fonts, images and requests, and no frame, form or HTML that scripts make from strings. */
export const policy = [
  "default-src 'none'",
  `script-src 'self' ${sourcesOf(script)}`,
  "style-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

/** The headers of these pages. */
export const headers = {
  "content-security-policy": policy,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/** What the head of every page has. */
export const head = ({ font }: Pick<Files, "font">): string => `<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${Design.iconUrl()}">
<link rel="preload" href="${font}" as="font" type="font/woff2" crossorigin>`

/** The name of the service with its mark, which leads to the start page. */
const brand = (): string => `<a class="brand" href="/">${Design.markSvg()} HydraCore Edge</a>`

/** A link, which is marked if it leads to the current page, or to the section that has this page. */
export const link = (href: string, text: string, current: string, section = current): string => {
  const mark = href === current ? ' aria-current="page"' : href === section ? ' aria-current="true"' : ""
  return `<a href="${href}"${mark}>${Text.escapeHtml(text)}</a>`
}

/** The link of the top to the section of a page: the guides, or the references. */
const sectionOf = (path: string): string =>
  ["/docs/reference", "/docs"].find((section) => path === section || path.startsWith(`${section}/`)) ?? path

export interface Content {
  readonly title: string
  /** The path of the page. */
  readonly current: string
  /** What the page has between its top and its end. */
  readonly body: string
}

/** The brand and the links that every page has. `more` is what else its top has. */
export const top = (current: string, { console }: Parts, more: string): string => `<header class="top">
${brand()}
<nav aria-label="HydraCore Edge">
${link("/docs", "Guides", current, sectionOf(current))}
${link("/docs/reference", "API", current, sectionOf(current))}
${console ? link("/console/", "Console", current) : ""}
</nav>
${more}
</header>`

/** A whole page. The script adds the search, so the button stays hidden without one. */
export const render = ({ body, current, title }: Content, files: Files, parts: Parts): string => `<!doctype html>
<html lang="en">
<head>
${head(files)}
<title>${Text.escapeHtml(title)} · HydraCore Edge</title>
${script}
<link rel="stylesheet" href="${files.style}">
<script type="module" src="${files.script}"></script>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
${top(
  current,
  parts,
  `<button type="button" class="find" data-index="${files.index}" hidden>Search <kbd>/</kbd></button>`
)}
${body}
</body>
</html>
`

/** A browser that opens a page lists HTML in `Accept`; other clients accept anything, or JSON. */
export const wantsHtml = (accept: string | undefined): boolean => accept?.includes("text/html") === true
