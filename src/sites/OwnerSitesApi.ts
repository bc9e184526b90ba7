/**
 * The websites that a key or a session reaches: their list, their settings and their deletion.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { TrackingToken, WebsiteConfigId } from "../platform/Id.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Authorized from "./access/Authorized.ts"
import * as Errors from "./access/Errors.ts"
import * as Fields from "./access/Fields.ts"
import * as Site from "./Site.ts"
import { Erased } from "./SiteErasure.ts"

const base = "/v1/owner/sites"
const sitePath = `${base}/:site_id`

/** The id of a website in every path of the owner API. */
export const siteId = Field.Id(WebsiteConfigId, {
  title: "Site Id",
  description: "The `website_config_id` of a website"
})

const params = { site_id: siteId }

const example: Site.SiteDetails = {
  site_id: Fields.exampleSiteId,
  tracking_token: TrackingToken.make("d3b07384-d113-4ec5-a5ec-9b1f2d3c4e5f"),
  name: "Shop",
  origins: ["https://www.example.com"],
  time_zone: "Europe/Berlin",
  created_at: "2026-11-01T09:00:00.000Z"
}

const hidden = "Null without the scope `read`"

export const ListedSite = Schema.Struct({
  ...Site.SiteDetails.fields,
  tracking_token: Schema.NullOr(Site.SiteDetails.fields.tracking_token).annotate({ description: hidden }),
  origins: Schema.NullOr(Site.SiteDetails.fields.origins).annotate({ description: hidden })
})

export const Sites = Schema.Struct({ sites: Schema.Array(ListedSite), next: Fields.next }).annotate({
  identifier: "Sites",
  examples: [{ sites: [example], next: null }]
})

export const SiteDetails = Site.SiteDetails.annotate({
  identifier: "SiteDetails",
  examples: [example]
})

const origins = Fields.origins(
  "The origins whose pages may use the website's ids, such as `https://www.example.com`; empty for any"
)

const timeZone = Fields.parsed(
  { type: "string", description: "The IANA time zone in which the days of reports begin and end" },
  Calendar.parseTimeZone,
  "an IANA time zone such as UTC or Europe/Berlin is expected"
)

export const NewSite = Schema.Struct({
  name: Fields.name("Name"),
  origins: Schema.optionalKey(origins),
  time_zone: Schema.optionalKey(timeZone)
}).annotate({
  identifier: "NewSite",
  examples: [{ name: "Shop", origins: ["https://www.example.com"], time_zone: "Europe/Berlin" }]
})

export const SiteChange = Schema.Struct({
  name: Schema.optionalKey(Fields.name("Name")),
  origins: Schema.optionalKey(origins),
  time_zone: Schema.optionalKey(timeZone)
}).annotate({ identifier: "SiteChange", examples: [{ origins: [] }] })

export const list = HttpApiEndpoint.get("list", base, {
  query: {
    search: Fields.text({
      title: "Search",
      description: "Only websites whose name or an origin contains this text, in any case",
      maxLength: 200
    }),
    cursor: Fields.cursor,
    limit: Fields.limit
  },
  success: Sites,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "list_sites",
    summary: "List websites",
    description: "The websites that the key or the session of the request reaches, oldest first."
  })
)

export const create = HttpApiEndpoint.post("create", base, {
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

export const read = HttpApiEndpoint.get("read", sitePath, {
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

export const update = HttpApiEndpoint.patch("update", sitePath, {
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
}).annotate({ identifier: "Deletion", examples: [{ name: "Shop" }] })

export const Deleted = Erased.annotate({
  identifier: "Deleted",
  examples: [{ page_views: 1200, bot_views: 90, events: 40, conversions: 12, submissions: 12, conversations: 3 }]
})

export const remove = HttpApiEndpoint.post("delete", `${sitePath}/delete`, {
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

export class SitesGroup extends HttpApiGroup.make("sites")
  .add(list, create, read, update, remove)
  .annotateMerge(
    OpenApi.annotations({
      title: "Sites",
      description: "The websites that a key or a session reaches, with their settings"
    })
  ) {}
