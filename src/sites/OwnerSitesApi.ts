/**
 * The websites that a key or a session reaches, and their current visitors.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { WebsiteConfigId } from "../platform/Id.ts"
import * as Authorized from "./access/Authorized.ts"
import * as Errors from "./access/Errors.ts"
import * as Examples from "./access/Examples.ts"
import * as Fields from "./access/Fields.ts"

/** The id of a website in every path of the owner API. */
export const siteId = Field.Id(WebsiteConfigId, {
  title: "Site Id",
  description: "The `website_config_id` of a website"
})

export const Sites = Schema.Struct({
  sites: Schema.Array(
    Schema.Struct({
      site_id: Schema.String.annotate({ format: "uuid", description: "The `website_config_id` of the website" }),
      name: Schema.String,
      time_zone: Schema.String.annotate({
        description: "The IANA time zone in which the days of reports begin and end"
      }),
      created_at: Schema.String.annotate({ format: "date-time" })
    })
  ),
  next: Fields.next
}).annotate({
  identifier: "Sites",
  title: "Sites",
  examples: [
    {
      sites: [
        {
          site_id: Examples.siteId,
          name: "Shop",
          time_zone: "Europe/Berlin",
          created_at: "2026-11-01T09:00:00.000Z"
        }
      ],
      next: null
    }
  ]
})

export const list = HttpApiEndpoint.get("list", "/v1/owner/sites", {
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

export const Now = Schema.Struct({
  visitors: Schema.Int.annotate({ description: "The visitors of the last five minutes" })
}).annotate({ identifier: "Now", title: "Now", examples: [{ visitors: 3 }] })

export const now = HttpApiEndpoint.get("now", "/v1/owner/sites/:site_id/now", {
  params: { site_id: siteId },
  success: Now,
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "site_now",
      summary: "Count the current visitors",
      description: "The number of visitors of the last five minutes."
    })
  )

export class SitesGroup extends HttpApiGroup.make("sites")
  .add(list, now)
  .annotateMerge(
    OpenApi.annotations({ title: "Sites", description: "The websites that a key or a session reaches" })
  ) {}
