/**
 * The endpoints at `/v1/owner/sites/{site_id}/forms/auto-replies`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { TestDeliveries } from "../TestDeliveries.ts"
import { AutoReplies } from "./AutoReply.ts"

const noMail = Errors.invalidBody(
  "this service sends no mail until its operator sets SMTP_URL, MAIL_FROM, PUBLIC_URL and SECRETS_KEY"
)

const noReply = Errors.make("NotFound", "This website has no automatic reply for this form.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "autoReplies",
  Effect.fnUntraced(function* (handlers) {
    const replies = yield* AutoReplies
    const { canSendMail } = yield* TestDeliveries
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          return { auto_replies: yield* replies.list(site.websiteConfigId), can_send: canSendMail }
        })
      )
      .handle(
        "put",
        Effect.fnUntraced(function* ({ payload }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!canSendMail) return yield* Effect.fail(noMail)
          const put = yield* replies.put(site.websiteConfigId, payload)
          // The website was deleted meanwhile.
          return yield* Effect.fromOption(put, () => Errors.unknownSite)
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ query }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!(yield* replies.delete(site.websiteConfigId, query.page))) return yield* Effect.fail(noReply)
        })
      )
  })
)
