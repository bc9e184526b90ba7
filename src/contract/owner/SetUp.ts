/**
 * The settings of websites and their deletion, their activity, and the requests that were not counted.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { statuses } from "../../core/forms/Submission.ts"
import { reasons } from "../../core/sites/Decision.ts"
import * as TimeZone from "../../core/text/TimeZone.ts"
import * as Wire from "../Wire.ts"
import * as Errors from "./Errors.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import { siteId } from "./Sites.ts"

const params = { site_id: siteId }

const origins = Fields.origins(
  "The origins whose pages may use the website's ids, such as `https://www.example.com`; empty for any"
)

const timeZone = Fields.parsed(
  { type: "string", description: "The IANA time zone in which the days of reports begin and end" },
  TimeZone.parse,
  "an IANA time zone such as UTC or Europe/Berlin is expected"
)

export const SiteDetails = Schema.Struct({
  site_id: Fields.uuid,
  tracking_token: Fields.uuid.annotate({ description: "The public id that page views name" }),
  name: Schema.String,
  origins: Schema.Array(Schema.String),
  time_zone: Schema.String,
  created_at: Fields.time
}).annotate({
  identifier: "SiteDetails",
  title: "SiteDetails",
  examples: [
    {
      site_id: "0f8fad5b-d9cb-469f-a165-70867728950e",
      tracking_token: "d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f",
      name: "Shop",
      origins: ["https://www.example.com"],
      time_zone: "Europe/Berlin",
      created_at: "2026-11-01T09:00:00.000Z"
    }
  ]
})

export const NewSite = Schema.Struct({
  name: Fields.name("Name"),
  origins: Schema.optionalKey(origins),
  time_zone: Schema.optionalKey(timeZone)
}).annotate({
  identifier: "NewSite",
  title: "NewSite",
  examples: [{ name: "Shop", origins: ["https://www.example.com"], time_zone: "Europe/Berlin" }]
})

export const SiteChange = Schema.Struct({
  name: Schema.optionalKey(Fields.name("Name")),
  origins: Schema.optionalKey(origins),
  time_zone: Schema.optionalKey(timeZone)
}).annotate({ identifier: "SiteChange", title: "SiteChange", examples: [{ origins: [] }] })

export const create = HttpApiEndpoint.post("create", "/v1/owner/sites", {
  payload: NewSite,
  success: SiteDetails,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "create_site",
    summary: "Create a website",
    description:
      "Creates a website. 404 unless the key or the session reaches all websites, since it would not reach the new one. Scope `write`."
  })
)

export const read = HttpApiEndpoint.get("read", "/v1/owner/sites/:site_id", {
  params,
  success: SiteDetails,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "read_site",
    summary: "Read a website",
    description: "The settings of a website. Scope `read`."
  })
)

export const update = HttpApiEndpoint.patch("update", "/v1/owner/sites/:site_id", {
  params,
  payload: SiteChange,
  success: SiteDetails,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "update_site",
    summary: "Change a website",
    description:
      "Changes the given settings, and returns all. Every process applies them within ten seconds. Scope `write`."
  })
)

export const Decisions = Schema.Struct({
  from: Schema.String.annotate({ format: "date" }),
  to: Schema.String.annotate({ format: "date" }),
  reasons: Schema.Array(Schema.Struct({ reason: Schema.Literals(reasons), count: Schema.Int })).annotate({
    description: "How many requests were not counted for each reason, the most frequent reason first"
  })
}).annotate({
  identifier: "Decisions",
  title: "Decisions",
  examples: [{ from: "2026-11-01", to: "2026-11-07", reasons: [{ reason: "foreign-origin", count: 40 }] }]
})

export const decisions = HttpApiEndpoint.get("decisions", "/v1/owner/sites/:site_id/decisions", {
  params,
  query: {
    from: Fields.date("The first day, in UTC; six days before `to` if absent"),
    to: Fields.date("The last day, in UTC; today if absent")
  },
  success: Decisions,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "site_decisions",
    summary: "Read why requests were not counted",
    description: "How many of a website's requests were not counted, by reason. Scope `stats`."
  })
)

export const Deletion = Schema.Struct({
  name: Wire.Text({ title: "Name", maxLength: 1000, description: "The name of the website, as a confirmation" })
}).annotate({ identifier: "Deletion", title: "Deletion", examples: [{ name: "Shop" }] })

export const Deleted = Schema.Struct({
  page_views: Schema.Int,
  bot_views: Schema.Int,
  events: Schema.Int,
  conversions: Schema.Int,
  submissions: Schema.Int,
  conversations: Schema.Int
}).annotate({
  identifier: "Deleted",
  title: "Deleted",
  examples: [{ page_views: 1200, bot_views: 90, events: 40, conversions: 12, submissions: 12, conversations: 3 }]
})

export const remove = HttpApiEndpoint.post("delete", "/v1/owner/sites/:site_id/delete", {
  params,
  payload: Deletion,
  success: Deleted,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "delete_site",
    summary: "Delete a website",
    description:
      "Deletes a website with its page views, events, submissions, conversations and instances, permanently. The tokens of its instances stop working within a second. `name` must be the website's name. Once begun, the deletion continues without the caller. Scope `write`."
  })
)

const visitor = {
  received_at: Fields.time,
  path: Schema.String,
  country: Schema.NullOr(Schema.String),
  device: Schema.NullOr(Schema.String),
  browser: Schema.NullOr(Schema.String)
}

export const Activity = Schema.Struct({
  activity: Schema.Array(
    Schema.Union([
      Schema.Struct({ type: Schema.Literal("pageview"), ...visitor, source: Schema.NullOr(Schema.String) }),
      Schema.Struct({ type: Schema.Literal("event"), ...visitor, name: Schema.String }),
      Schema.Struct({
        type: Schema.Literal("submission"),
        received_at: Fields.time,
        submission_id: Fields.uuid,
        status: Schema.Literals(statuses),
        page_slug: Schema.NullOr(Schema.String)
      }),
      Schema.Struct({
        type: Schema.Literal("conversation"),
        received_at: Fields.time,
        instance_id: Fields.uuid,
        conversation_id: Schema.String
      })
    ])
  )
}).annotate({
  identifier: "Activity",
  title: "Activity",
  examples: [
    {
      activity: [
        {
          type: "pageview",
          received_at: Examples.time,
          path: "/pricing",
          country: "NO",
          device: "mobile",
          browser: "Safari",
          source: "newsletter"
        }
      ]
    }
  ]
})

export const activity = HttpApiEndpoint.get("activity", "/v1/owner/sites/:site_id/activity", {
  params,
  query: { limit: Fields.limit },
  success: Activity,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "site_activity",
    summary: "List the latest activity",
    description:
      "The latest activities of a website, latest first: counted page views, events, submissions and new conversations. Scope `read`."
  })
)

export class SetUpGroup extends HttpApiGroup.make("setUp")
  .add(create, read, update, remove, decisions, activity)
  .annotateMerge(OpenApi.annotations({ title: "Settings", description: "The settings of websites" })) {}
