/**
 * What a person looks at first: all websites that the caller reaches, with their figures, and their submissions in one list.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import {
  exampleSummary,
  parsePlace as parseConversationPlace,
  TranscriptSummary
} from "../chat/conversations/Transcript.ts"
import { InstanceSettings } from "../chat/Instance.ts"
import * as OwnerConversationsApi from "../chat/OwnerConversationsApi.ts"
import * as OwnerSubmissionsApi from "../forms/OwnerSubmissionsApi.ts"
import { Problem } from "../health/Problem.ts"
import * as Field from "../platform/contract/Field.ts"
import { InstanceId, WebsiteConfigId } from "../platform/Id.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteDetails } from "../sites/Site.ts"
import { formatPlace, maxCount, type Place, parsePlace } from "./Attention.ts"

const { name, site_id, time_zone } = SiteDetails.fields

/** The website of an item of a list. */
const site = Schema.Struct({ site_id, name, time_zone })

const exampleSite = { site_id: Fields.exampleSiteId, name: "Shop", time_zone: "Europe/Berlin" }

const hidden = "null without the scope `read`"

const count = (what: string) =>
  Schema.NullOr(Schema.Int).annotate({ description: `${what}, at most ${maxCount}; ${hidden}` })

const unread = count("Accepted submissions that are not marked as read")

const waiting = count(
  "Conversations that wait for a person: their latest answer failed, and nobody has opened them since"
)

const Visitors = Schema.Struct({
  day: Schema.String.annotate({ format: "date", description: "Yesterday, in the time zone of the website" }),
  visitors: Schema.Int,
  before: Schema.Int.annotate({ description: "The visitors of the day before" }),
  change: Schema.NullOr(Schema.Int).annotate({
    description: "The change since the day before, in per cent; null if that day had no visitors"
  })
})

const { kind, since } = Problem.fields

const problem = { kind, since }

export const AttentionList = Schema.Struct({
  sites: Schema.Array(
    Schema.Struct({
      ...site.fields,
      needs_attention: Schema.Boolean.annotate({ description: "Whether something waits for somebody" }),
      visitors: Schema.NullOr(Visitors).annotate({ description: "Null if the statistics cannot be read now" }),
      unread,
      waiting,
      problems: Schema.NullOr(Schema.Array(Schema.Struct(problem))).annotate({
        description: "What is wrong with the website, the most urgent first; null if that cannot be read now"
      }),
      last_seen_at: Schema.NullOr(Fields.time).annotate({
        description:
          "When the last page view or event was received; null if there is none, or if the statistics cannot be read now"
      })
    })
  ),
  next: Fields.next
}).annotate({
  identifier: "AttentionList",
  examples: [
    {
      sites: [
        {
          ...exampleSite,
          needs_attention: true,
          visitors: { day: "2026-11-24", visitors: 120, before: 100, change: 20 },
          unread: 2,
          waiting: 1,
          problems: [{ kind: "tag_silent", since: Fields.exampleTime }],
          last_seen_at: Fields.exampleTime
        }
      ],
      next: null
    }
  ]
})

const cursor = Schema.optionalKey(
  Fields.parsed<Place>(
    { type: "string", description: "The `next` of the part before; absent for the first part" },
    parsePlace,
    "the `next` of an earlier response is expected",
    formatPlace
  )
)

export const list = HttpApiEndpoint.get("list", "/v1/owner/attention", {
  query: {
    search: Fields.text({
      title: "Search",
      description: "Only websites whose name or an origin contains this text, in any case",
      maxLength: 200
    }),
    cursor,
    limit: Fields.limit
  },
  success: AttentionList,
  error: Errors.TooManyRequests
})
  .middleware(Authorized.caller.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_attention",
      summary: "List websites by what needs attention",
      description:
        "The websites that the key or the session of the request reaches, each with its visitors of yesterday and what waits for somebody. Those that need attention come first, in all parts of the list: websites with problems, then those with conversations that wait for a person, with unread submissions, and those whose only problem may be no fault: a tag that has been silent for 30 days, refused origins or a reached limit; of each kind the website that has waited for the longest time."
    })
  )

const siteId = Schema.optionalKey(
  Field.Id(WebsiteConfigId, { title: "Site Id", description: "Only this website; absent for all" })
)

export const AttentionCounts = Schema.Struct({
  unread: Schema.Int.annotate({
    description: `Accepted submissions that are not marked as read, at most ${maxCount}`
  }),
  waiting: Schema.Int.annotate({ description: `Conversations that wait for a person, at most ${maxCount}` })
}).annotate({ identifier: "AttentionCounts", examples: [{ unread: 2, waiting: 1 }] })

export const counts = HttpApiEndpoint.get("counts", "/v1/owner/attention/counts", {
  query: { site_id: siteId },
  success: AttentionCounts
})
  .middleware(Authorized.caller.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "count_attention",
      summary: "Count what needs attention",
      description:
        "What waits for somebody, of all websites that the key or the session of the request reaches together."
    })
  )

const { from: _, to: __, ...filter } = OwnerSubmissionsApi.filter

export const SubmissionsOfSites = Schema.Struct({
  submissions: Schema.Array(Schema.Struct({ ...OwnerSubmissionsApi.summary, site })),
  next: Fields.next
}).annotate({
  identifier: "SubmissionsOfSites",
  examples: [{ submissions: [{ ...OwnerSubmissionsApi.exampleSummary, site: exampleSite }], next: null }]
})

export const submissions = HttpApiEndpoint.get("submissions", "/v1/owner/submissions", {
  query: {
    site_id: siteId,
    ...filter,
    from: Fields.bound("The first day, in UTC"),
    to: Fields.bound("The last day, in UTC"),
    cursor: Fields.cursor,
    limit: Fields.limit
  },
  success: SubmissionsOfSites
})
  .middleware(Authorized.caller.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_submissions_of_sites",
      summary: "List submissions of all websites",
      description: "The submissions of all websites that the key or the session of the request reaches, latest first."
    })
  )

const { from: ___, to: ____, ...conversationFilter } = OwnerConversationsApi.filter

const { instance_id } = InstanceSettings.fields

export const ConversationsOfSites = Schema.Struct({
  conversations: Schema.Array(
    Schema.Struct({
      ...TranscriptSummary.fields,
      instance: Schema.Struct({ instance_id, name: Schema.String }),
      site
    })
  ),
  next: Fields.next
}).annotate({
  identifier: "ConversationsOfSites",
  examples: [
    {
      conversations: [
        {
          ...exampleSummary,
          instance: { instance_id: InstanceId.make(Fields.exampleId), name: "Assistant" },
          site: exampleSite
        }
      ],
      next: null
    }
  ]
})

export const conversations = HttpApiEndpoint.get("conversations", "/v1/owner/conversations", {
  query: {
    site_id: siteId,
    ...conversationFilter,
    waiting: Fields.choice(["true"], { title: "Waiting" }),
    from: Fields.bound("Only conversations with an `updated_at` on this day or later, in UTC"),
    to: Fields.bound("Only conversations with an `updated_at` on this day or earlier, in UTC"),
    cursor: Fields.cursorOf((id) => parseConversationPlace(id) !== undefined),
    limit: Fields.limit
  },
  success: ConversationsOfSites
})
  .middleware(Authorized.caller.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_conversations_of_sites",
      summary: "List conversations of all websites",
      description:
        "The stored conversations of all websites that the key or the session of the request reaches, those with the latest message first."
    })
  )

export class AttentionGroup extends HttpApiGroup.make("attention")
  .add(list, counts, submissions, conversations)
  .annotateMerge(
    OpenApi.annotations({
      title: "All websites",
      description:
        "What needs attention on the websites of a caller, and their submissions and conversations in one list"
    })
  ) {}
