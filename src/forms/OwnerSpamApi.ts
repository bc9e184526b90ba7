/**
 * What a website's owner marked as spam.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { SpamMarkId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import { Changed, Selection } from "./OwnerSubmissionsApi.ts"
import { examples, SpamMark } from "./SpamMarks.ts"

const base = "/v1/owner/sites/:site_id"

const params = { site_id: siteId }

export const SpamMarkList = Schema.Struct({ marks: Schema.Array(SpamMark) }).annotate({
  identifier: "SpamMarks",
  title: "SpamMarks",
  examples: [{ marks: examples }]
})

export const mark = HttpApiEndpoint.post("mark", `${base}/submissions/spam`, {
  params,
  payload: Selection,
  success: Changed
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "mark_spam",
      summary: "Mark submissions as spam",
      description:
        "Quarantines submissions, and from now on those with the same address or the same text. `POST …/submissions/release` takes that back. 404 if the website has none of the submissions.",
      maximums: [Maximums.spamMarks]
    })
  )

export const list = HttpApiEndpoint.get("list", `${base}/spam`, { params, success: SpamMarkList })
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_spam_marks",
      summary: "List what is held as spam",
      description: "The addresses and texts that were marked as spam in the last year, latest first."
    })
  )

export const remove = HttpApiEndpoint.delete("delete", `${base}/spam/:mark_id`, {
  params: { ...params, mark_id: Field.Id(SpamMarkId, { title: "Mark Id" }) },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.inbox.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_spam_mark",
      summary: "Take back a mark of spam",
      description: "Submissions with this address or text are no longer held. Those in the quarantine stay there."
    })
  )

export class SpamGroup extends HttpApiGroup.make("spam")
  .add(mark, list, remove)
  .annotateMerge(OpenApi.annotations({ title: "Spam", description: "What a website's owner marked as spam" })) {}
