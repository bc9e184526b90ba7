/**
 * Finds the website of a record whose command may name only its id: paths of the owner API begin with the website.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import { WebsiteConfigId } from "../../platform/Id.ts"
import type { Kind } from "../../sites/RecordSites.ts"
import * as Inputs from "../support/Inputs.ts"
import { CliFailure } from "../support/Output.ts"
import * as Client from "./Client.ts"
import * as Failures from "./Failures.ts"
import * as Pages from "./Pages.ts"

/** The flag that names the website of a record. */
export const flag = (of: string) =>
  Inputs.optional(
    Inputs.make(
      "site",
      Inputs.idKind(WebsiteConfigId),
      "<uuid>",
      `The website of the ${of}; without the flag, all are searched`
    )
  )

const everySite = (sites: Client.Group<"sites">) =>
  Pages.parts((query) => sites.list({ query })).pipe(
    Stream.flatMap(({ sites }) => Stream.fromIterable(sites)),
    Stream.map(({ site_id }) => WebsiteConfigId.make(site_id))
  )

/** The ids of all websites, oldest first. */
export const every = Client.owner("sites", {}, (sites) => Stream.runCollect(everySite(sites)))

const isNotFound = (error: { readonly _tag: string }): boolean => error._tag === "NotFound"

/** A key that reaches a website may have too small a scope, which the owner API does not tell apart. */
const notFound = (none: CliFailure, url: string | null): CliFailure =>
  url === null ? none : new CliFailure({ message: `${none.message} ${Failures.orNotReached}` })

/**
 * Sends a request about a record whose website the command may not name. In this process, the operator finds the website; of a
 * running service, the websites are tried, oldest first, and it fails with `none` if every answer is a 404.
 */
export const find = <const Name extends Client.GroupName, A, E extends { readonly _tag: string }, R>(
  group: Name,
  record: { readonly kind: Kind; readonly id: string; readonly siteId: WebsiteConfigId | null },
  facts: Failures.Facts & { readonly notFound: CliFailure },
  request: (client: Client.Group<Name>, siteId: WebsiteConfigId) => Effect.Effect<A, E, R>
) =>
  Client.Client.use(({ operator, owner, url }) =>
    Effect.gen(function* () {
      const client = yield* owner(group)
      if (url === null) {
        const { site_id } =
          record.siteId === null
            ? yield* Effect.flatMap(operator("sites"), (sites) => sites.siteOf({ params: record }))
            : { site_id: record.siteId }
        return yield* request(client, site_id)
      }
      const sites =
        record.siteId === null ? yield* Effect.map(owner("sites"), everySite) : Stream.succeed(record.siteId)
      const found = yield* sites.pipe(
        Stream.mapEffect((id) =>
          request(client, id).pipe(
            Effect.asSome,
            Effect.catchIf(isNotFound, () => Effect.succeed(Option.none<A>()))
          )
        ),
        Stream.filter(Option.isSome),
        Stream.runHead
      )
      return yield* Effect.fromOption(Option.flatten(found), () => notFound(facts.notFound, url))
    }).pipe(Effect.mapError(Failures.of(facts, url)))
  )
