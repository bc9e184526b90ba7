/**
 * Shows the pages of links in mails: to unsubscribe from the notification or the invitations that a link names, and to confirm an
 * address. Only a token that was made with `SECRETS_KEY` reaches the database.
 *
 * @module
 */
import { Effect, Option, Redacted } from "effect"
import type { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../api/Api.ts"
import * as HtmlPages from "../../platform/http/HtmlPages.ts"
import * as ErrorMapping from "../../sites/ErrorMapping.ts"
import * as LinkToken from "./LinkToken.ts"
import { Notifications } from "./Notification.ts"

export interface Options {
  /** The key that signs the links; without it, no link is valid. */
  readonly secretsKey: Option.Option<Redacted.Redacted<Uint8Array>>
}

const respond = (
  status: number,
  kind: Parameters<typeof HtmlPages.page>[0],
  title: string,
  body: string
): HttpServerResponse.HttpServerResponse =>
  HtmlPages.respond(HtmlPages.page(kind, title, body), {
    status,
    headers: {},
    formAction: "'self'",
    frameAncestors: "'none'"
  })

const question = respond(
  200,
  "question",
  "Unsubscribe?",
  `<p>You will get no more mails of this kind from this website. Your other notifications stay as they are.</p>
<form method="post"><button>Unsubscribe</button></form>`
)

const invitationQuestion = respond(
  200,
  "question",
  "Unsubscribe?",
  `<p>The owners of these websites will not be able to mail you invitations, or to add your address to other mails. Mails that you confirmed stay as they are.</p>
<form method="post"><button>Unsubscribe</button></form>`
)

const done = respond(
  200,
  "success",
  "You are unsubscribed",
  "<p>You will get no more of these mails, and the owner of the website cannot add your address again. To get them again, ask the operator of this service.</p>"
)

const confirmQuestion = respond(
  200,
  "question",
  "Do you want these mails?",
  `<p>An owner of a website wants to send you its submissions, or reports of its visitors, by mail. Without your confirmation you get none.</p>
<form method="post"><button>Confirm this address</button></form>`
)

const confirmed = respond(
  200,
  "success",
  "Your address is confirmed",
  "<p>You will get the mails of this website. Each of them has a link to unsubscribe.</p>"
)

const nothingToConfirm = respond(
  404,
  "failure",
  "There is nothing to confirm",
  "<p>The address was removed, or not confirmed within a week. Ask the owner of the website to add it again.</p>"
)

const unavailable = respond(
  503,
  "failure",
  "Please try again",
  "<p>The link could not be used now. Try again in a minute.</p>"
)

const invalid = respond(
  404,
  "failure",
  "This link is not valid",
  "<p>Use the link in the latest mail that you got.</p>"
)

/** Serves the contract's group. */
export const layer = ({ secretsKey }: Options) =>
  HttpApiBuilder.group(
    Api,
    "mail",
    Effect.fnUntraced(function* (handlers) {
      const notifications = yield* Notifications
      const notificationOf = (token: string) =>
        Option.flatMap(secretsKey, (key) => LinkToken.verifyUnsubscribe(Redacted.value(key), token))
      const confirmationOf = (token: string) =>
        Option.flatMap(secretsKey, (key) => LinkToken.verifyConfirmation(Redacted.value(key), token))
      const invitedOf = (token: string) =>
        Option.flatMap(secretsKey, (key) => LinkToken.openInvitation(Redacted.value(key), token))
      /** What the link of a mail ends; none if the link is not valid. */
      const unsubscriptionOf = (token: string) =>
        Option.orElse(Option.map(notificationOf(token), notifications.unsubscribe), () =>
          Option.map(invitedOf(token), ({ address, sites }) => notifications.refuseInvitations(sites, address))
        )
      return handlers
        .handle("show", ({ params }) =>
          Effect.succeed(
            Option.isSome(notificationOf(params.token))
              ? question
              : Option.isSome(invitedOf(params.token))
                ? invitationQuestion
                : invalid
          )
        )
        .handle("unsubscribe", ({ params }) =>
          Option.match(unsubscriptionOf(params.token), {
            onNone: () => Effect.succeed(invalid),
            onSome: (unsubscription) =>
              unsubscription.pipe(
                Effect.as(done),
                Effect.catch((error) => Effect.as(ErrorMapping.logUnavailable(error), unavailable))
              )
          })
        )
        .handle("showConfirmation", ({ params }) =>
          Effect.succeed(Option.isSome(confirmationOf(params.token)) ? confirmQuestion : invalid)
        )
        .handle("confirm", ({ params }) =>
          Option.match(confirmationOf(params.token), {
            onNone: () => Effect.succeed(invalid),
            onSome: ({ isRecipient, websiteConfigId }) =>
              notifications.confirm(websiteConfigId, isRecipient).pipe(
                Effect.map((isConfirmed) => (isConfirmed ? confirmed : nothingToConfirm)),
                Effect.catch((error) => Effect.as(ErrorMapping.logUnavailable(error), unavailable))
              )
          })
        )
    })
  )
