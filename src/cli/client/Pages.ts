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
export interface PageQuery {
  readonly cursor?: Cursor.Position
  readonly limit: number
}

interface Page {
  readonly next: string | null
}

/** The query of the part after `next`. A list must not look complete if the rest of it cannot be asked for. */
const after = (next: string): Effect.Effect<PageQuery, CliFailure> =>
  Option.match(
    Cursor.parse(next, (id) => id !== ""),
    {
      onNone: () =>
        Effect.fail(
          new CliFailure({ message: "The service has lists of another version; use the commands of its version." })
        ),
      onSome: (cursor) => Effect.succeed({ cursor, limit: Fields.maxLimit })
    }
  )

/** The parts of a list. */
export const parts = <A extends Page, E, R>(
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Stream.Stream<A, E | CliFailure, R> =>
  Stream.paginate({ limit: Fields.maxLimit } as PageQuery, (query) =>
    Effect.gen(function* () {
      const page = yield* read(query)
      const next = page.next === null ? Option.none() : Option.some(yield* after(page.next))
      return [[page], next]
    })
  )

const itemsOf = (page: object, member: string): ReadonlyArray<unknown> => {
  const items: unknown = page[member as keyof typeof page]
  return Array.isArray(items) ? items : []
}

/** The document of a list with its first items, at most `limit`. Its `next` is null if there are no more. */
export const first = <A extends Page, E, R>(
  member: keyof A & string,
  limit: number,
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CliFailure, R> =>
  Effect.gen(function* () {
    let page = yield* read({ limit: Math.min(limit, Fields.maxLimit) })
    const items = [...itemsOf(page, member)]
    while (page.next !== null && items.length < limit) {
      page = yield* read({ ...(yield* after(page.next)), limit: Math.min(limit - items.length, Fields.maxLimit) })
      items.push(...itemsOf(page, member))
    }
    return { ...page, [member]: items }
  })

/** The document of a list with the items of all parts, and no `next`. */
export const all = <A extends Page, E, R>(
  member: keyof A & string,
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CliFailure, R> => first(member, Number.POSITIVE_INFINITY, read)
