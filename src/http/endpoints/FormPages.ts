/**
 * The HTML pages that answer plain forms: a thank-you page and an error page. They load nothing and run no script, and only
 * the form's origin may frame them.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { Option, Schema } from "effect"
import { HttpServerResponse } from "effect/http"
import { ValidationError } from "../../contract/Errors.ts"
import * as FormRefusal from "../../core/forms/FormRefusal.ts"
import * as Origin from "../../core/sites/Origin.ts"
import * as Html from "../../core/text/Html.ts"

const style = `
:root { color-scheme: light dark; font: 1.0625rem/1.6 system-ui, sans-serif; color: light-dark(#17202a, #e8edf2); background: light-dark(#f2f5f7, #0d1115) }
body { box-sizing: border-box; display: grid; min-height: 100vh; margin: 0; padding: 1.25rem; place-items: center }
main { box-sizing: border-box; width: 100%; max-width: 34rem; padding: clamp(1.5rem, 6vw, 2.75rem); border: 1px solid light-dark(#dfe5ea, #2a333d); border-radius: 1rem; background: light-dark(#fff, #161c23); overflow-wrap: anywhere }
main::before { display: block; width: 2.75rem; margin-block-end: 1.25rem; border-radius: 50%; font: 700 1.375rem/2.75rem system-ui, sans-serif; text-align: center }
.good::before { content: "✓" / ""; color: light-dark(#0d6639, #8ee0b1); background: light-dark(#e7f5ed, #11351f) }
.bad::before { content: "!" / ""; color: light-dark(#9c1c2b, #ffb4bc); background: light-dark(#fdeef0, #43171d) }
h1 { margin: 0 0 .5rem; font-size: 1.625rem; line-height: 1.25 }
p { margin: .5rem 0 0 }
ul { display: grid; gap: .5rem; margin: 1.25rem 0 0; padding: 0; list-style: none }
li { padding: .6rem .9rem; border-radius: .5rem; color: light-dark(#9c1c2b, #ffb4bc); background: light-dark(#fdeef0, #43171d) }
li > * { display: block; unicode-bidi: plaintext }
a { display: inline-block; margin-block-start: 1rem; padding: .6rem 1.25rem; border-radius: .5rem; font-weight: 600; text-decoration: none; color: #fff; background: light-dark(#0f766e, #0f7d75) }
a:hover { text-decoration: underline }
a:focus-visible { outline: 3px solid light-dark(#0f766e, #7ff0dd); outline-offset: 3px }
small { display: block; margin-block-start: 1.25rem; color: light-dark(#566472, #9fb0c0) }
`

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'"
].join("; ")

const headers = {
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff"
}

const page = (look: "good" | "bad", title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${Html.escape(title)}</title>
<style>${style}</style>
</head>
<body>
<main class="${look}">
<h1>${Html.escape(title)}</h1>
${body}
</main>
</body>
</html>
`

const html = (text: string, status: number, more: Readonly<Record<string, string>>, origin: string | undefined) =>
  HttpServerResponse.text(text, {
    status,
    contentType: "text/html; charset=utf-8",
    headers: {
      ...more,
      ...headers,
      "content-security-policy": `${policy}; frame-ancestors ${Origin.frameAncestors(origin)}`
    }
  })

/** A link back to the website, if its address is known. */
const backLink = (address: string | null): string => {
  const url = address === null ? null : URL.parse(address)
  return url === null
    ? "<p>You can close this page, or go back to where you came from.</p>"
    : `<p><a href="${Html.escape(url.href)}">Back to ${Html.escape(url.host)}</a></p>`
}

/**
 * 200: the submission is stored. `back` is a page of the website, if known; `origin` is the request's `Origin` header.
 */
export const thanks = (
  submissionId: string,
  back: string | null,
  more: Readonly<Record<string, string>>,
  origin: string | undefined
): HttpServerResponse.HttpServerResponse =>
  html(
    page(
      "good",
      "Thank you",
      `<p>Your message has arrived.</p>
${backLink(back)}
<p><small>Reference: ${Html.escape(submissionId)}</small></p>`
    ),
    200,
    more,
    origin
  )

/** 303: the submission is stored; redirects the visitor to the page that the form names. */
export const onward = (
  address: string,
  more: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status: 303, headers: { ...more, location: address, "cache-control": "no-store" } })

const Detail = Schema.fromJsonString(
  Schema.Struct({ detail: Schema.Union([Schema.String, Schema.Array(ValidationError)]) })
)

/** The corrections as a list of fields. */
const list = (corrections: ReadonlyArray<FormRefusal.Correction>): ReadonlyArray<string> =>
  corrections.length === 0
    ? []
    : [
        "<ul>",
        ...corrections.map(
          ({ field, text }) => `<li><strong>${Html.escape(field)}</strong> <span>${Html.escape(text)}</span></li>`
        ),
        "</ul>"
      ]

/** Renders an error response as a page for the visitor, with the same status and headers. `origin` as for `thanks`. */
export const ofRefusal = (
  response: HttpServerResponse.HttpServerResponse,
  origin: string | undefined
): HttpServerResponse.HttpServerResponse => {
  const { body, headers, status } = response
  const text = body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : ""
  const detail = Option.getOrUndefined(Schema.decodeUnknownOption(Detail)(text))?.detail
  const retryAfter = headers["retry-after"]
  const seconds = retryAfter === undefined ? undefined : Number(retryAfter)
  const explanation = FormRefusal.explain({ status, retryAfterSeconds: seconds, detail })
  const lines = [
    `<p>${Html.escape(explanation.text)}</p>`,
    ...list(explanation.corrections),
    ...explanation.forOwner.map((sentence) => `<p><small>For the owner: ${Html.escape(sentence)}</small></p>`)
  ]
  const { "content-length": _, "content-type": __, ...kept } = headers
  return html(page("bad", explanation.title, lines.join("\n")), status, kept as Record<string, string>, origin)
}
