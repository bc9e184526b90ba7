/**
 * The links of mails: to unsubscribe (RFC 8058), and to confirm an address. Each has a page, and a request, which the page or
 * a mail client sends. The token in the link is the only authorization.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../../platform/contract/Errors.ts"
import { errorPage, HtmlPage } from "../../platform/contract/Errors.ts"

const unsubscribePath = "/v1/public/mail/unsubscribe/:token"

const page = {
  params: { token: Schema.String.annotate({ description: "The token of a mail's link" }) },
  success: HtmlPage,
  error: [...Errors.common, errorPage(404)]
} as const

/** The request of a page's button, which changes the database. */
const action = { ...page, error: [...page.error, errorPage(503)] } as const

export const show = HttpApiEndpoint.get("show", unsubscribePath, page).annotateMerge(
  OpenApi.annotations({
    identifier: "unsubscribe_page",
    summary: "Show the page of an unsubscribe link",
    description:
      "The page has a button that unsubscribes. Opening the page does not unsubscribe, because mail scanners open links too."
  })
)

export const unsubscribe = HttpApiEndpoint.post("unsubscribe", unsubscribePath, action).annotateMerge(
  OpenApi.annotations({
    identifier: "unsubscribe",
    summary: "Unsubscribe with a link",
    description: "One-click unsubscription (RFC 8058). The body is ignored. A second request has the same response."
  })
)

const confirmPath = "/v1/public/mail/confirm/:token"

export const showConfirmation = HttpApiEndpoint.get("showConfirmation", confirmPath, page).annotateMerge(
  OpenApi.annotations({
    identifier: "confirm_page",
    summary: "Show the page of a confirmation link",
    description:
      "The page has a button that confirms the address. Opening the page confirms nothing, because mail scanners open links too."
  })
)

export const confirm = HttpApiEndpoint.post("confirm", confirmPath, action).annotateMerge(
  OpenApi.annotations({
    identifier: "confirm_recipient",
    summary: "Confirm an address with a link",
    description:
      "The address gets the mails of the website from now on. The body is ignored. A second request has the same response."
  })
)

export class MailGroup extends HttpApiGroup.make("mail")
  .add(show, unsubscribe, showConfirmation, confirm)
  .annotateMerge(OpenApi.annotations({ title: "Mail", description: "The links in the mails of notifications" })) {}
