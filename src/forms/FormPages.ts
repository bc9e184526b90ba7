/**
 * The responses to plain forms: a thank-you page, a redirect and an error page. The pages load nothing and run no script, and
 * only the form's origin may frame them.
 *
 * @module
 */
import { HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as HtmlPages from "../platform/http/HtmlPages.ts"
import * as Origin from "../platform/http/Origin.ts"
import * as Text from "../platform/text/Text.ts"
import * as FormRefusal from "./FormRefusal.ts"

const html = (text: string, status: number, headers: Readonly<Record<string, string>>, origin: string | undefined) =>
  HtmlPages.respond(text, {
    status,
    headers,
    formAction: "'none'",
    frameAncestors: Origin.frameAncestors(origin)
  })

/** A link to `back`, or a sentence if it is null. */
const backLink = (back: string | null): string => {
  const url = back === null ? null : URL.parse(back)
  return url === null
    ? "<p>You can close this page, or go back to where you came from.</p>"
    : `<p><a href="${Text.escapeHtml(url.href)}">Back to ${Text.escapeHtml(url.host)}</a></p>`
}

/**
 * 200: the submission is stored. `back` is the URL of a page of the website, or null; `origin` is the request's `Origin` header;
 * `headers` are those of the rate limit.
 */
export const thanks = (
  submissionId: string,
  back: string | null,
  headers: Readonly<Record<string, string>>,
  origin: string | undefined
): HttpServerResponse.HttpServerResponse =>
  html(
    HtmlPages.page(
      "success",
      "Thank you",
      `<p>Your message has arrived.</p>
${backLink(back)}
<p><small>Reference: ${Text.escapeHtml(submissionId)}</small></p>`
    ),
    200,
    headers,
    origin
  )

/** 303: the submission is stored; redirects the visitor to `url`. */
export const redirect = (
  url: string,
  headers: Readonly<Record<string, string>>
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.empty({ status: 303, headers: { ...headers, location: url, "cache-control": "no-store" } })

/** The lines of an HTML list of the corrections; none without corrections. */
const list = (corrections: ReadonlyArray<FormRefusal.Correction>): ReadonlyArray<string> =>
  corrections.length === 0
    ? []
    : [
        "<ul>",
        ...corrections.map(
          ({ field, text }) =>
            `<li><strong>${Text.escapeHtml(field)}</strong> <span>${Text.escapeHtml(text)}</span></li>`
        ),
        "</ul>"
      ]

/** Renders an error response as a page for the visitor, with the same status and headers. `origin` as for `thanks`. */
export const ofRefusal = (
  response: HttpServerResponse.HttpServerResponse,
  origin: string | undefined
): HttpServerResponse.HttpServerResponse => {
  const { headers, status } = response
  const retryAfter = headers["retry-after"]
  const seconds = retryAfter === undefined ? undefined : Number(retryAfter)
  const explanation = FormRefusal.explain({
    status,
    retryAfterSeconds: seconds,
    detail: ErrorResponses.detailOf(response) || undefined
  })
  const lines = [
    `<p>${Text.escapeHtml(explanation.text)}</p>`,
    ...list(explanation.corrections),
    ...explanation.forOwner.map((sentence) => `<p><small>For the owner: ${Text.escapeHtml(sentence)}</small></p>`)
  ]
  const { "content-length": _, "content-type": __, ...kept } = headers
  return html(HtmlPages.page("failure", explanation.title, lines.join("\n")), status, kept, origin)
}
