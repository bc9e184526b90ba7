/**
 * The endpoints at `/v1/owner/sites/{site_id}/submissions/{submission_id}/replies` and at `…/forms/auto-replies`.
 *
 * @module
 */
import { Clock, Effect, Layer, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import { Inbox, type Message } from "../../forms/Inbox.ts"
import { unknownSubmission } from "../../forms/OwnerSubmissionsHttp.ts"
import type { SubmissionId } from "../../platform/Id.ts"
import { RateLimiter } from "../../platform/limits/RateLimit.ts"
import * as MailAddress from "../../platform/text/MailAddress.ts"
import { Caller, nameOf } from "../../sites/access/AuthenticationApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { SiteSlots } from "../../sites/access/SiteSlots.ts"
import type { Site } from "../../sites/Site.ts"
import { MailServer } from "./Mailer.ts"
import * as MailRecipient from "./MailRecipient.ts"
import * as Reply from "./Reply.ts"

const noMail = Errors.invalid(
  null,
  "this service sends no mail until its operator sets SMTP_URL, MAIL_FROM and PUBLIC_URL; answer from your own mailbox"
)

const noAddress = Errors.invalid(null, "this submission has no address to which mail can be sent")

const noReplyTo = Errors.invalid("reply_to", Fields.expectedEmail)

const held = Errors.make("Conflict", "This submission is in the quarantine. Release it before you reply to it.")

const tooMany = (whose: keyof typeof Reply.limits, resetMillis: number) =>
  Errors.tooMany(
    `${whose === "website" ? "A website sends" : "One address gets"} at most ${Reply.limits[whose].limit} replies an hour. Wait as many seconds as Retry-After says.`,
    resetMillis
  )

/** The address that gets a reply; null if mail cannot be sent to it. */
const recipientOf = ({ email }: Message): string | null => {
  const address = email?.trim() ?? ""
  return MailAddress.isAddress(address) ? address : null
}

const toSubmissions = HttpApiBuilder.group(
  OwnerApi,
  "replies",
  Effect.fnUntraced(function* (handlers) {
    const inbox = yield* Inbox
    const limiter = yield* RateLimiter
    const { lists } = yield* SiteSlots
    const replies = yield* Reply.Replies
    const canSendMail = Option.isSome(yield* MailServer)

    const find = ({ websiteConfigId }: Site, submissionId: SubmissionId) =>
      Effect.flatMap(
        lists.run(websiteConfigId, inbox.find(websiteConfigId, submissionId)),
        Effect.fromOption(() => unknownSubmission)
      )

    const take = Effect.fnUntraced(function* (whose: keyof typeof Reply.limits, key: string) {
      const { accepted, resetMillis } = yield* limiter.take(Reply.limits[whose], key)
      if (!accepted) return yield* Effect.fail(tooMany(whose, resetMillis))
    })

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ params: { submission_id: submissionId } }) {
          const { site } = yield* Authorized.inbox.read.proof
          const submission = yield* find(site, submissionId)
          const { session } = yield* Caller
          return {
            replies: yield* replies.list(site.websiteConfigId, submissionId),
            can_send: canSendMail,
            to: recipientOf(submission),
            reply_to: session?.person?.email ?? null
          }
        })
      )
      .handle(
        "add",
        Effect.fnUntraced(function* ({ params: { submission_id: submissionId }, payload }) {
          const { site } = yield* Authorized.inbox.change.proof
          const { websiteConfigId } = site
          const submission = yield* find(site, submissionId)
          if (!canSendMail) return yield* Effect.fail(noMail)
          if (submission.status === "quarantined") return yield* Effect.fail(held)
          const to = recipientOf(submission)
          if (to === null) return yield* Effect.fail(noAddress)
          const caller = yield* Caller
          const reply_to = payload.reply_to ?? caller.session?.person?.email
          if (reply_to === undefined) return yield* Effect.fail(noReplyTo)
          yield* take("recipient", `${websiteConfigId} ${MailRecipient.normalize(to)}`)
          yield* take("website", websiteConfigId)
          const added = yield* replies.add(websiteConfigId, submissionId, {
            author: nameOf(caller),
            reply_to,
            to,
            text: payload.text,
            createdAt: yield* Clock.currentTimeMillis
          })
          // The submission was deleted meanwhile.
          return yield* Effect.fromOption(added, () => unknownSubmission)
        })
      )
  })
)

const noAutomaticReply = Errors.make("NotFound", "This website has no automatic reply for this form.")

const automatic = HttpApiBuilder.group(
  OwnerApi,
  "autoReplies",
  Effect.fnUntraced(function* (handlers) {
    const replies = yield* Reply.Replies
    const canSendMail = Option.isSome(yield* MailServer)
    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          return { auto_replies: yield* replies.listAutomatic(site.websiteConfigId), can_send: canSendMail }
        })
      )
      .handle(
        "put",
        Effect.fnUntraced(function* ({ payload }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!canSendMail) return yield* Effect.fail(Errors.noMail)
          const put = yield* replies.putAutomatic(site.websiteConfigId, payload)
          // The website was deleted meanwhile.
          return yield* Effect.fromOption(put, () => Errors.unknownSite)
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ query }) {
          const { site } = yield* Authorized.settings.change.proof
          if (!(yield* replies.deleteAutomatic(site.websiteConfigId, query.page)))
            return yield* Effect.fail(noAutomaticReply)
        })
      )
  })
)

export const layer = Layer.merge(toSubmissions, automatic)
