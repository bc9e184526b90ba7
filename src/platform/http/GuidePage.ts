/**
 * Renders HTML pages: each guide that `GuideReader.ts` has read, the list of the guides and endpoints, and the page at `/`.
 * The pages run no script and load nothing. Pure.
 *
 * @module
 */
import { createHash } from "node:crypto"
import * as Text from "../text/Text.ts"

export interface Guide {
  /** The file's name without `.md`, and the last segment of the page's path. */
  readonly name: string
  readonly title: string
  /** The first paragraph, as HTML. */
  readonly summary: string
  /** The whole guide, as HTML. */
  readonly body: string
}

const style = `
:root { background: light-dark(#fff, #12161b); color: light-dark(#1b2127, #e6eaee); color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; --line: light-dark(#d5dbe1, #363e47) }
body { margin: 0 auto; max-width: 54rem; padding: 1rem 1.25rem 5rem; overflow-wrap: break-word }
nav, nav div { display: flex; flex-wrap: wrap; gap: .25rem 1rem }
nav { border-bottom: 1px solid var(--line); padding-bottom: .75rem }
nav details { flex-basis: 100% }
nav div { gap: .5rem 1.25rem; padding-top: .5rem }
nav summary { cursor: pointer; width: fit-content }
@supports selector(::details-content) { @media (min-width: 40rem) {
  nav summary { display: none }
  nav details, nav div { display: contents }
  nav details::details-content { content-visibility: visible; display: contents }
} }
a { color: light-dark(#0b57a4, #8bbcf2) }
a[aria-current] { color: inherit; font-weight: 600; text-decoration: none }
h1, h2, h3 { line-height: 1.25; margin: 2em 0 .5em }
h1 { font-size: 1.9rem; margin-top: 1em } h2 { font-size: 1.4rem } h3 { font-size: 1.1rem }
code, pre { font: .875em/1.5 ui-monospace, monospace }
code { background: light-dark(#eef1f4, #20262d); border-radius: 4px; padding: .1em .3em }
pre, .scroll { overflow-x: auto }
pre { background: light-dark(#eef1f4, #20262d); border-radius: 8px; padding: .9rem 1rem }
pre code { background: none; padding: 0 }
table { border-collapse: collapse; font-size: .9375rem }
th, td { border: 1px solid var(--line); min-width: 6rem; padding: .35rem .6rem; text-align: start; vertical-align: top }
dt { font-weight: 600; margin-top: 1rem } dd { margin: 0 } dd p { margin: 0 }
`

/** Allows no script, no request and no frame; `data:` allows the empty icon. */
export const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

/** The headers of these pages. */
export const headers = {
  "content-security-policy": policy,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/** Without an icon link, a browser requests `/favicon.ico` and reports the 404 in its console. */
export const icon = '<link rel="icon" href="data:," />'

const page = (
  { body, current, title }: { readonly title: string; readonly body: string; readonly current: string },
  guides: ReadonlyArray<Guide>
): string => {
  const item = (href: string, text: string): string =>
    `<a href="${href}"${href === current ? ' aria-current="page"' : ""}>${Text.escapeHtml(text)}</a>`
  const items = guides.map(({ name, title }) => item(`/docs/${name}`, title))
  // On a phone the links are rows above the text, so they are folded.
  const folded =
    items.length === 0 ? "" : `<details><summary>All guides</summary><div>${items.join(" ")}</div></details>`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${Text.escapeHtml(title)} · HydraCore Edge</title>
${icon}
<style>${style}</style>
</head>
<body>
<nav aria-label="Guides">${item("/docs", "HydraCore Edge")} ${item("/docs/reference", "Reference")} ${folded}</nav>
<main>
${body}
</main>
</body>
</html>
`
}

/** The page of a guide, with links to all guides. */
export const render = (guide: Guide, guides: ReadonlyArray<Guide>): string =>
  page({ title: guide.title, body: guide.body, current: `/docs/${guide.name}` }, guides)

/** An API in the list of endpoints. */
export interface ListedApi {
  readonly title: string
  /** The paths of its reference and of its OpenAPI document. */
  readonly reference: string
  readonly document: string
  readonly endpoints: ReadonlyArray<{ readonly method: string; readonly path: string; readonly summary: string }>
}

/** The page that lists the guides and the endpoints. */
export const renderIndex = (guides: ReadonlyArray<Guide>, apis: ReadonlyArray<ListedApi>): string => {
  const guide = ({ name, summary, title }: Guide) =>
    `<dt><a href="/docs/${name}">${Text.escapeHtml(title)}</a></dt><dd>${summary}</dd>`
  const endpoint = ({ method, path, summary }: ListedApi["endpoints"][number]) =>
    `<dt><code>${Text.escapeHtml(`${method} ${path}`)}</code></dt><dd>${Text.escapeHtml(summary)}</dd>`
  const api = ({ document, endpoints, reference, title }: ListedApi) => `<h3>${Text.escapeHtml(title)}</h3>
<dl>${endpoints.map(endpoint).join("\n")}</dl>
<p>The <a href="${reference}">reference</a> shows every field and every response of the endpoints. <a href="${document}">${document.slice(1)}</a> is the OpenAPI 3.1 document.</p>`
  const body = `<h1>HydraCore Edge</h1>
<p>The service that takes page views, form submissions and chat messages from visitors' browsers.</p>
<h2>Guides</h2>
<dl>${guides.map(guide).join("\n")}</dl>
<h2>Endpoints</h2>
${apis.map(api).join("\n")}`
  return page({ title: "Documentation", body, current: "/docs" }, guides)
}

/** Which parts a server has. */
export interface Parts {
  readonly console: boolean
  readonly demo: boolean
}

/** A list of links to the parts of a server. */
const linksTo = (parts: Parts): string => {
  const link = (href: string, title: string, text: string) => `<dt><a href="${href}">${title}</a></dt><dd>${text}</dd>`
  const links = [
    ...(parts.demo ? [link("/demo", "Demo", "A small website, and what it sends to this service.")] : []),
    ...(parts.console
      ? [link("/console/", "Console", "Statistics, submissions and conversations, for the owners of these websites.")]
      : []),
    link("/docs", "Documentation", "How to add the service to a website, and how to operate it."),
    link("/docs/reference", "API reference", "Every endpoint, with its fields and responses.")
  ]
  return `<dl>${links.join("\n")}</dl>`
}

/** The page at `/`. */
export const renderHome = (parts: Parts): string => {
  const body = `<h1>HydraCore Edge</h1>
<p>This service takes page views, form submissions and chat messages from the visitors of websites.</p>
${linksTo(parts)}`
  return page({ title: "Welcome", body, current: "/" }, [])
}

/** The page at an unknown path. It does not show the path, which may contain a secret. */
export const renderUnknown = (parts: Parts): string => {
  const body = `<h1>There is nothing at this address</h1>
<p>Check the address. These pages exist:</p>
${linksTo(parts)}`
  return page({ title: "Not found", body, current: "" }, [])
}

/** A browser that opens a page lists HTML in `Accept`; other clients accept anything, or JSON. */
export const wantsHtml = (accept: string | undefined): boolean => accept?.includes("text/html") === true
