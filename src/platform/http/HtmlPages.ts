/**
 * HTML pages as responses. The pages load nothing and run no script.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { HttpServerResponse } from "effect/http"
import * as Design from "../design/Design.ts"
import * as Text from "../text/Text.ts"

const style = Design.inlined(`
:root { color-scheme: light dark; font: 1.0625rem/1.6 ${Design.systemFont}; color: var(--design-text); background: light-dark(${Design.colors.soft[0]}, ${Design.colors.back[1]}) }
body { box-sizing: border-box; display: grid; min-height: 100vh; margin: 0; padding: 1.25rem; place-items: center }
main { box-sizing: border-box; width: 100%; max-width: 34rem; padding: clamp(1.5rem, 6vw, 2.75rem); border: 1px solid var(--design-line); border-radius: var(--design-radius-large); background: var(--design-raised); overflow-wrap: anywhere }
main::before { display: block; width: 2.75rem; margin-block-end: 1.25rem; border-radius: 50%; font: 700 1.375rem/2.75rem ${Design.systemFont}; text-align: center }
.success::before { content: "✓" / ""; color: var(--design-good); background: var(--design-good-soft) }
.question::before { content: "?" / ""; color: var(--design-accent); background: var(--design-accent-soft) }
.failure::before { content: "!" / ""; color: var(--design-bad); background: var(--design-bad-soft) }
h1 { margin: 0 0 .5rem; font-size: 1.625rem; letter-spacing: -.02em; line-height: 1.25 }
p { margin: .5rem 0 0 }
ul { display: grid; gap: .5rem; margin: 1.25rem 0 0; padding: 0; list-style: none }
li { padding: .6rem .9rem; border-radius: var(--design-radius); color: var(--design-bad); background: var(--design-bad-soft) }
li > * { display: block; unicode-bidi: plaintext }
a, button { display: inline-block; margin-block-start: 1rem; padding: .6rem 1.25rem; border-radius: var(--design-radius); font-weight: 600; text-decoration: none; color: var(--design-on-accent); background: var(--design-accent) }
button { border: 0; font: inherit; font-weight: 600; cursor: pointer }
a:hover, button:hover { text-decoration: underline }
a:focus-visible, button:focus-visible { outline: 3px solid var(--design-accent); outline-offset: 3px }
small { display: block; margin-block-start: 1.25rem; color: var(--design-muted) }
`)

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'"
]

const headers = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

/**
 * A page that reports a success or a failure, or asks for confirmation.
 *
 * @param body HTML
 */
export const page = (kind: "success" | "failure" | "question", title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${Text.escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main class="${kind}">
<h1>${Text.escapeHtml(title)}</h1>
${body}
</main>
</body>
</html>
`

export interface Options {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Where the page's forms may be sent, as a source of its Content-Security-Policy. */
  readonly formAction: "'none'" | "'self'"
  /** Who may frame the page, as sources of its Content-Security-Policy. */
  readonly frameAncestors: string
}

/** @param text a whole page */
export const respond = (
  text: string,
  { formAction, frameAncestors, headers: more, status }: Options
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.text(text, {
    status,
    contentType: "text/html; charset=utf-8",
    headers: {
      ...more,
      ...headers,
      "content-security-policy": [...policy, `form-action ${formAction}`, `frame-ancestors ${frameAncestors}`].join(
        "; "
      )
    }
  })
