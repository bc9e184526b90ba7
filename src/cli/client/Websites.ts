/**
 * Finds websites by what a command names: a website by its id or its name, or only a record of it. Paths of the owner API begin with
 * the website.
 *
 * @module
 */
import { Effect, Option, Result, Stream } from "effect"
import { parseUuid, WebsiteConfigId } from "../../platform/Id.ts"

import type { RecordKind } from "../../sites/SiteDirectory.ts"
import * as Operator from "../operator/Operator.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as Inputs from "../support/Inputs.ts"
import { CliFailure, notFound } from "../support/Output.ts"
import * as Client from "./Client.ts"
import * as Failures from "./Failures.ts"
import * as Pages from "./Pages.ts"

/** The flag that names the website of a record. */
export const flagOf = (record: string) =>
  Inputs.optional(Inputs.siteOf(`The website of the ${record}; without the flag, it is searched`))

const listed = (sites: Client.Group<"sites">, search?: string) =>
  Pages.parts((query) => sites.list({ query: { ...query, ...(search !== undefined && { search }) } })).pipe(
    Stream.flatMap(({ sites }) => Stream.fromIterable(sites))
  )

/** All websites, oldest first. */
export const every = Client.owner("sites", {}, (sites) => Stream.runCollect(listed(sites)))

/** All websites of this name. */
const named = (name: string) =>
  Client.owner("sites", {}, (sites) =>
    Stream.runCollect(Stream.filter(listed(sites, name), (site) => site.name === name))
  )

/** The only one of the websites that have a name. */
const only = Effect.fnUntraced(function* <A>(name: string, found: ReadonlyArray<A>) {
  const [site] = found
  const text = ErrorMessages.quoted(name, "")
  const named = text === "" ? "this name" : `the name ${text}`
  if (site === undefined) {
    const { url } = yield* Client.Client
    const website = url === null ? "No website" : "No website that the owner key reaches"
    return yield* new CliFailure({ message: `${website} has ${named}. \`hydracore site list\` shows them.` })
  }
  if (found.length > 1) {
    return yield* new CliFailure({
      message: `${found.length} websites have ${named}. Give the website_config_id instead; \`hydracore site list\` shows it.`
    })
  }
  return site
})

const byName = (name: string) => Effect.flatMap(named(name), (found) => only(name, found))

/** A website that the owner key does not reach: the service does not say whether it exists. */
const noSite = (id: string) =>
  new CliFailure({
    message: `There is no website ${id}, or the owner key does not reach it; \`hydracore site list\` lists those that it reaches.`
  })

/** The website of this id. The list also has those whose settings the scope of a key does not include. */
const byId = (id: WebsiteConfigId) =>
  Client.owner("sites", { notFound: notFound("website", id), notReached: noSite(id) }, (sites) =>
    sites.read({ params: { site_id: id } }).pipe(
      Effect.catchTag("NotFound", (error) =>
        Client.Client.use(({ url }) =>
          url === null
            ? Effect.fail(error)
            : listed(sites).pipe(
                Stream.filter(({ site_id }) => site_id === id),
                Stream.runHead,
                Effect.flatMap(Effect.fromOption(() => error))
              )
        )
      )
    )
  )

const idIn = (text: string): Option.Option<WebsiteConfigId> =>
  Option.map(Result.getSuccess(parseUuid(text)), (id) => WebsiteConfigId.make(id))

/** The website that `--site` names, by its id or its name. */
export const find = (text: string) => Option.match(idIn(text), { onNone: () => byName(text), onSome: byId })

/** The id of the website that `--site` names. An id is returned as it is: the command's own request finds that it does not exist. */
export const idOf = (text: string) =>
  Option.match(idIn(text), { onNone: () => Effect.map(byName(text), ({ site_id }) => site_id), onSome: Effect.succeed })

/** Like `idOf`, for a deletion: the operator also finds a website whose deletion was interrupted, which lists leave out. */
export const idToDelete = (text: string) =>
  Option.match(idIn(text), {
    onNone: Effect.fnUntraced(function* () {
      const { url } = yield* Client.Client
      const found = (yield* named(text)).map(({ site_id }) => site_id)
      return found.length > 0 || url !== null
        ? yield* only(text, found)
        : yield* Effect.flatMap(
            Client.operator(Operator.sites, {}, (sites) => sites.deleting(text)),
            (deleting) => only(text, deleting)
          )
    }),
    onSome: Effect.succeed
  })

/** The id of the website that an optional `--site` names; null without the flag. */
export const idOrNull = (text: string | null) => (text === null ? Effect.succeed(null) : idOf(text))

export const isNotFound = (error: { readonly _tag: string }): boolean => error._tag === "NotFound"

/** Whether the key reaches a website: the list also has those for which its scope is too small. */
const reaches = (id: WebsiteConfigId) =>
  Client.owner("sites", {}, (sites) =>
    Effect.map(Stream.runHead(Stream.filter(listed(sites), ({ site_id }) => site_id === id)), Option.isSome)
  )

/** Sends a request about the website that `--site` names. */
export const request = Effect.fnUntraced(function* <
  const Name extends Client.GroupName,
  A,
  E extends { readonly _tag: string },
  R
>(
  group: Name,
  site: string,
  request: (client: Client.Group<Name>, params: { readonly site_id: WebsiteConfigId }) => Effect.Effect<A, E, R>,
  facts: Failures.Facts = {}
) {
  const site_id = yield* idOf(site)
  const { url } = yield* Client.Client
  return yield* Client.owner(group, { notFound: notFound("website", site_id), ...facts }, (client) =>
    request(client, { site_id }).pipe(
      // The service does not say that only the scope is too small.
      Effect.catchIf(
        (error) => url !== null && facts.notFound === undefined && isNotFound(error),
        (error) =>
          Effect.flatMap(reaches(site_id), (isReached) =>
            Effect.fail(isReached ? Failures.scopeTooSmall(error) : noSite(site_id))
          )
      )
    )
  )
})

/** A record, and the website that the command names, if any. */
export interface Named {
  readonly kind: RecordKind
  readonly id: string
  readonly site: string | null
  /** What does not exist after a 404; the record unless given. */
  readonly none?: CliFailure
}

const noRecord = ({ id, kind }: Named): CliFailure => notFound(kind === "share" ? "shared dashboard" : kind, id)

/** The website of a record, in this process. */
export const ofRecord = Effect.fnUntraced(function* (record: Named) {
  const named = yield* idOrNull(record.site)
  if (named !== null) return named
  return yield* Client.operator(Operator.sites, { notFound: noRecord(record) }, (sites) =>
    sites.siteOf(record.kind, record.id)
  )
})

/** Sends a request to a running service for each website that the key reaches, oldest first, until one is not answered with a 404. */
export const search = Effect.fnUntraced(function* <
  const Name extends Client.GroupName,
  A,
  E extends { readonly _tag: string },
  R
>(
  group: Name,
  none: CliFailure,
  request: (client: Client.Group<Name>, params: { readonly site_id: WebsiteConfigId }) => Effect.Effect<A, E, R>
) {
  let last: object = {}
  const found = yield* Client.owner(group, { notFound: none }, (client) =>
    Effect.flatMap(every, (sites) =>
      Stream.fromIterable(sites).pipe(
        Stream.mapEffect(({ site_id }) =>
          request(client, { site_id }).pipe(
            Effect.asSome,
            Effect.catchIf(isNotFound, (error) => {
              last = error
              return Effect.succeed(Option.none<A>())
            })
          )
        ),
        Stream.filter(Option.isSome),
        Stream.runHead
      )
    )
  )
  return yield* Effect.fromOption(Option.flatten(found), () => Failures.orNotReached(none, last))
})

/**
 * Sends a request about a record whose website the command may not name. In this process, the operator finds the website; of a
 * running service, it is searched.
 */
export const withRecord = Effect.fnUntraced(function* <
  const Name extends Client.GroupName,
  A,
  E extends { readonly _tag: string },
  R
>(
  group: Name,
  record: Named,
  request: (client: Client.Group<Name>, params: { readonly site_id: WebsiteConfigId }) => Effect.Effect<A, E, R>
) {
  const { url } = yield* Client.Client
  const none = record.none ?? noRecord(record)
  if (record.site === null && url !== null) return yield* search(group, none, request)
  const site_id = yield* ofRecord(record)
  return yield* Client.owner(group, { notFound: none }, (client) => request(client, { site_id }))
})
