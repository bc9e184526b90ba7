/**
 * The pages of the guides, and the list of the guides and endpoints. Pure.
 *
 * @module
 */
import * as Text from "../platform/text/Text.ts"
import * as Page from "./Page.ts"

/** A guide, as `scripts/build/GuideReader.ts` has read it. */
export interface Guide {
  /** The file's name without `.md`, and the last segment of the page's path. */
  readonly name: string
  readonly title: string
  /** The first paragraph, as HTML. */
  readonly summary: string
  /** The whole guide, as HTML. */
  readonly body: string
  /** The headings of depth 2 and 3. */
  readonly headings: ReadonlyArray<{ readonly depth: number; readonly id: string; readonly text: string }>
}

/** Guides that belong together. */
export interface Group {
  readonly title: string
  readonly guides: ReadonlyArray<Guide>
}

const pathOf = ({ name }: Guide): string => `/docs/${name}`

const references = [
  ["/docs/reference", "API for browsers"],
  ["/docs/reference/owner", "API for owners"]
] as const

/** The top of an API reference, with links to both. */
export const referenceTop = (current: string, parts: Page.Parts): string =>
  Page.top(
    "/docs/reference",
    parts,
    `<nav class="apis" aria-label="APIs">${references.map(([href, text]) => Page.link(href, text, current)).join("")}</nav>`
  )

/** The list beside the page. On a phone, where it stands above the text, it is folded. */
const sideBar = (groups: ReadonlyArray<Group>, current: string): string => {
  const list = ({ guides, title }: Group, index: number) => {
    const links = guides.map((guide) => [pathOf(guide), guide.title] as const)
    const isLast = index === groups.length - 1
    return `<p>${title}</p>
<ul>${[...links, ...(isLast ? references : [])].map(([href, text]) => `<li>${Page.link(href, text, current)}</li>`).join("")}</ul>`
  }
  return `<nav class="guides" aria-label="Guides"><details><summary>All guides</summary><div>${groups.map(list).join("\n")}</div></details></nav>`
}

/** The sections of the page. On a narrow page, where they stand above the text, they are folded. */
const contents = ({ headings }: Guide): string =>
  headings.length < 2
    ? ""
    : `<nav class="contents" aria-label="On this page"><details><summary>On this page</summary><ul>${headings
        .map(({ depth, id, text }) => `<li class="depth-${depth}"><a href="#${id}">${Text.escapeHtml(text)}</a></li>`)
        .join("")}</ul></details></nav>`

const turn = (guide: Guide, guides: ReadonlyArray<Guide>): string => {
  const at = guides.indexOf(guide)
  const link = (to: Guide | undefined, rel: "prev" | "next", label: string) =>
    to === undefined
      ? ""
      : `<a rel="${rel}" href="${pathOf(to)}"><span>${label}</span> <b>${Text.escapeHtml(to.title)}</b></a>`
  return `<nav class="turn" aria-label="Other guides">${link(guides[at - 1], "prev", "Previous")}${link(guides[at + 1], "next", "Next")}</nav>`
}

/** The page of a guide. */
export const render = (guide: Guide, groups: ReadonlyArray<Group>, files: Page.Files, parts: Page.Parts): string => {
  const current = pathOf(guide)
  const guides = groups.flatMap((group) => group.guides)
  const body = `<div class="columns">
${sideBar(groups, current)}
${contents(guide)}
<main id="content" class="guide" tabindex="-1">
${guide.body}
${turn(guide, guides)}
</main>
</div>`
  return Page.render({ title: guide.title, current, body }, files, parts)
}

/** An API in the list of endpoints. */
export interface ListedApi {
  readonly title: string
  /** The paths of its reference and of its OpenAPI document. */
  readonly reference: string
  readonly document: string
  readonly endpoints: ReadonlyArray<{ readonly method: string; readonly path: string; readonly summary: string }>
}

/** The page that lists the guides and the endpoints. */
export const renderIndex = (
  groups: ReadonlyArray<Group>,
  apis: ReadonlyArray<ListedApi>,
  files: Page.Files,
  parts: Page.Parts
): string => {
  const card = (guide: Guide) =>
    `<li class="card"><a href="${pathOf(guide)}"><b>${Text.escapeHtml(guide.title)}</b></a><span>${guide.summary}</span></li>`
  const group = ({ guides, title }: Group) => `<h2>${title}</h2>\n<ul class="cards">${guides.map(card).join("\n")}</ul>`
  const endpoint = ({ method, path, summary }: ListedApi["endpoints"][number]) =>
    `<dt><code>${Text.escapeHtml(`${method} ${path}`)}</code></dt><dd>${Text.escapeHtml(summary)}</dd>`
  const api = ({ document, endpoints, reference, title }: ListedApi) => `<h3>${Text.escapeHtml(title)}</h3>
<p>The <a href="${reference}">reference</a> shows every field and every response of the endpoints. <a href="${document}">${document.slice(1)}</a> is the OpenAPI 3.1 document.</p>
<details class="endpoints"><summary>${endpoints.length} endpoints</summary><dl>${endpoints.map(endpoint).join("\n")}</dl></details>`
  const body = `<div class="columns">
${sideBar(groups, "/docs")}
<main id="content" class="guide index" tabindex="-1">
<h1>Guides</h1>
<p class="lead">How to count visits, receive forms and answer visitors with HydraCore Edge, and how to operate it.</p>
${groups.map(group).join("\n")}
<h2>Endpoints</h2>
${apis.map(api).join("\n")}
</main>
</div>`
  return Page.render({ title: "Guides", current: "/docs", body }, files, parts)
}
