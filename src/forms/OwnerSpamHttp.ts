/**
 * The endpoints that mark submissions as spam and take that back.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import { changed } from "./OwnerSubmissionsHttp.ts"
import { SpamMarks } from "./SpamMarks.ts"

const notFound = Errors.make("NotFound", "This website has no such mark. The mark may have been taken back.")

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "spam",
  Effect.fnUntraced(function* (handlers) {
    const marks = yield* SpamMarks
    return handlers
      .handle(
        "mark",
        Effect.fnUntraced(function* ({ payload: { submission_ids } }) {
          const { site } = yield* Authorized.inbox.change.proof
          return yield* changed(submission_ids, yield* marks.mark(site.websiteConfigId, submission_ids))
        })
      )
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.inbox.read.proof
          return { marks: yield* marks.list(site.websiteConfigId) }
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.inbox.change.proof
          if (!(yield* marks.remove(site.websiteConfigId, params.mark_id))) return yield* Effect.fail(notFound)
        })
      )
  })
)
