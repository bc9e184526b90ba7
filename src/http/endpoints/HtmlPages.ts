/**
 * Pages for people, as responses. They load nothing and run no script.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { HttpServerResponse } from "effect/http"
import * as Html from "../../core/text/Html.ts"

const style = `
:root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif }
body { display: grid; min-height: 100vh; margin: 0; place-items: center }
main { box-sizing: border-box; max-width: 36rem; padding: 2rem }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .75rem }
p, ul { margin: .5rem 0 }
small { opacity: .75; overflow-wrap: anywhere }
button { font: inherit; font-weight: 600; margin-top: 1rem; padding: .6rem 1.2rem; border: 0; border-radius: .5rem;
  background: CanvasText; color: Canvas; cursor: pointer }
`

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

/** @param body HTML */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${Html.escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${Html.escape(title)}</h1>
${body}
</main>
</body>
</html>
`

export interface Options {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Where the page's forms may be sent, in words of its Content-Security-Policy. */
  readonly formAction: "'none'" | "'self'"
  /** Who may frame the page, in the same words. */
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
