/**
 * Reads lists of the owner API to their end, part by part.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { CliFailure } from "../support/Output.ts"

/** The query of a part. */
export interface PageQuery<C = Cursor.Position> {
  readonly cursor?: C
  readonly limit: number
}

interface Page {
  readonly next: string | null
}

const parse = (next: string) => Cursor.parse(next, (id) => id !== "")

/** A list must not look complete if the rest of it cannot be asked for. */
const otherVersion = new CliFailure({
  message: "The service has lists of another version; use the commands of its version."
})

/** The parts of a list. */
export const parts = <A extends Page, E, R>(
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Stream.Stream<A, E | CliFailure, R> =>
  Stream.paginate({ limit: Fields.maxLimit } as PageQuery, (query) =>
    Effect.gen(function* () {
      const page = yield* read(query)
      if (page.next === null) return [[page], Option.none()]
      const cursor = yield* Effect.fromOption(parse(page.next), () => otherVersion)
      return [[page], Option.some({ cursor, limit: Fields.maxLimit })]
    })
  )

const itemsOf = (page: object, member: string): ReadonlyArray<unknown> => {
  const items: unknown = page[member as keyof typeof page]
  return Array.isArray(items) ? items : []
}

/** The document of a list with its first items, at most `limit`, whose cursors `parse` reads. Its `next` is null if there are no more. */
export const firstBy = <C, A extends Page, E, R>(
  parse: (next: string) => Option.Option<C>,
  member: keyof A & string,
  limit: number,
  read: (query: PageQuery<C>) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CliFailure, R> =>
  Effect.gen(function* () {
    let page = yield* read({ limit: Math.min(limit, Fields.maxLimit) })
    const items = [...itemsOf(page, member)]
    while (page.next !== null && items.length < limit) {
      const cursor = yield* Effect.fromOption(parse(page.next), () => otherVersion)
      page = yield* read({ cursor, limit: Math.min(limit - items.length, Fields.maxLimit) })
      items.push(...itemsOf(page, member))
    }
    return { ...page, [member]: items }
  })

/** `firstBy` of a list whose cursors are positions. */
export const first = <A extends Page, E, R>(
  member: keyof A & string,
  limit: number,
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CliFailure, R> => firstBy(parse, member, limit, read)

/** The document of a list with the items of all parts, and no `next`. */
export const all = <A extends Page, E, R>(
  member: keyof A & string,
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CliFailure, R> => first(member, Number.POSITIVE_INFINITY, read)
