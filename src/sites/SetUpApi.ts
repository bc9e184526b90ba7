/**
 * The settings of websites, and their deletion.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import * as TimeZone from "../platform/text/TimeZone.ts"
import * as Authorized from "./access/Authorized.ts"
import * as Examples from "./access/Examples.ts"
import * as Fields from "./access/Fields.ts"
import { siteId } from "./OwnerSitesApi.ts"

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
      site_id: Examples.siteId,
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
  success: SiteDetails
})
  .middleware(Authorized.caller.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "create_site",
      summary: "Create a website",
      description:
        "Creates a website. 404 if the key or the session reaches only some websites, since it would not reach the new one."
    })
  )

export const read = HttpApiEndpoint.get("read", "/v1/owner/sites/:site_id", {
  params,
  success: SiteDetails
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "read_site",
      summary: "Read a website",
      description: "The settings of a website."
    })
  )

export const update = HttpApiEndpoint.patch("update", "/v1/owner/sites/:site_id", {
  params,
  payload: SiteChange,
  success: SiteDetails
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "update_site",
      summary: "Change a website",
      description:
        "Changes the given settings, and returns all settings. Every process applies the change within ten seconds."
    })
  )

export const Deletion = Schema.Struct({
  name: Field.Text({ title: "Name", maxLength: 1000, description: "The name of the website, as a confirmation" })
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
  success: Deleted
})
  .middleware(Authorized.admin.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "delete_site",
      summary: "Delete a website",
      description:
        "Deletes a website with its page views, events, submissions, conversations and instances, permanently, and the keys, sessions and links that reach no other website. The tokens of its instances stop working within a second. `name` must be the website's name. Once begun, the deletion continues without the caller."
    })
  )

export class SetUpGroup extends HttpApiGroup.make("setUp")
  .add(create, read, update, remove)
  .annotateMerge(OpenApi.annotations({ title: "Settings", description: "The settings of websites" })) {}
