/**
 * The unsubscribe link of mails (RFC 8058): a page, and the request that the page or a mail client sends. The token in the link is
 * the only authorization.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "./Errors.ts"
import { errorPage, HtmlPage } from "./HtmlPage.ts"

const path = "/v1/public/mail/unsubscribe/:token"

const options = {
  params: { token: Schema.String.annotate({ description: "The token of a mail's link" }) },
  success: HtmlPage,
  error: [...Errors.common, errorPage(404), errorPage(503)]
} as const

export const show = HttpApiEndpoint.get("show", path, options).annotateMerge(
  OpenApi.annotations({
    identifier: "unsubscribe_page",
    summary: "Show the page of an unsubscribe link",
    description:
      "The page has a button that unsubscribes. Opening the page does not unsubscribe, because mail scanners open links too."
  })
)

export const unsubscribe = HttpApiEndpoint.post("unsubscribe", path, options).annotateMerge(
  OpenApi.annotations({
    identifier: "unsubscribe",
    summary: "Unsubscribe with a link",
    description: "One-click unsubscription (RFC 8058). The body is ignored. A second request has the same response."
  })
)

export class MailGroup extends HttpApiGroup.make("mail")
  .add(show, unsubscribe)
  .annotateMerge(OpenApi.annotations({ title: "Mail", description: "The unsubscribe links of notifications" })) {}
