/**
 * The data of a person on all websites, and in the conversations of instances without a website.
 *
 * @module
 */
import { Effect, Option, Schema, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { Notifications } from "../../delivery/mail/Notifications.ts"
import { WebsiteConfigId } from "../../platform/Id.ts"
import * as DataApi from "../../privacy/OwnerDataApi.ts"
import { kinds } from "../../privacy/Person.ts"
import * as PersonExport from "../../privacy/PersonExport.ts"
import { Persons } from "../../privacy/Persons.ts"
import { Exports } from "../../sites/access/Exports.ts"
import { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as Operations from "./Operations.ts"

const { email } = DataApi.Person.fields

const exportPerson = HttpApiEndpoint.post("export", "/operator/persons/export", {
  payload: Schema.Struct({ email }),
  success: DataApi.exportedPerson,
  error: Operations.failures
})

/**
 * Deletes a person's data, also the record that the address unsubscribed. The owner API keeps that record, because otherwise an
 * owner could add the address again.
 */
const erasePerson = HttpApiEndpoint.post("erase", "/operator/persons/erase", {
  payload: Schema.Struct({ email, site_id: Schema.NullOr(WebsiteConfigId) }),
  success: DataApi.ErasedPerson,
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("persons").add(exportPerson, erasePerson))

export const layer = HttpApiBuilder.group(
  Api,
  "persons",
  Effect.fnUntraced(function* (handlers) {
    const directory = yield* SiteDirectory
    const exports = yield* Exports
    const notifications = yield* Notifications
    const persons = yield* Persons
    return handlers
      .handle("export", ({ payload: { email } }) => {
        const records = persons.records({ address: email, websiteConfigId: null, kinds })
        const lines = Stream.map(records, (record) => `${PersonExport.json(record)}\n`)
        return Effect.succeed(exports.file(lines, { name: "person.ndjson", contentType: "application/x-ndjson" }))
      })
      .handle(
        "erase",
        Effect.fnUntraced(function* ({ payload: { email, site_id } }) {
          if (site_id !== null && Option.isNone(yield* directory.byWebsiteConfigId(site_id))) {
            return yield* Effect.fail(Operations.noSite)
          }
          const erased = yield* persons.erase({ address: email, websiteConfigId: site_id, kinds })
          yield* notifications.eraseRecipient(email, site_id)
          return erased
        })
      )
  })
)
