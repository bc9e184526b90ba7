/**
 * Reads lists of the owner API to their end, part by part.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Fields from "../../sites/access/Fields.ts"

/** The query of a part. */
export interface PageQuery {
  readonly cursor?: Cursor.Position
  readonly limit: number
}

interface Page {
  readonly next: string | null
}

const after = (next: string): Option.Option<PageQuery> =>
  Option.map(
    Cursor.parse(next, () => true),
    (cursor) => ({ cursor, limit: Fields.maxLimit })
  )

/** The parts of a list. */
export const parts = <A extends Page, E, R>(
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Stream.Stream<A, E, R> =>
  Stream.paginate({ limit: Fields.maxLimit } as PageQuery, (query) =>
    Effect.map(read(query), (page) => [[page], page.next === null ? Option.none() : after(page.next)])
  )

/** The document of a list with the items of all parts, and no `next`. */
export const all = <A extends Page, E, R>(
  member: keyof A & string,
  read: (query: PageQuery) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.map(Stream.runCollect(parts(read)), (pages) => {
    const items = pages.flatMap((page): ReadonlyArray<unknown> => {
      const part: unknown = page[member]
      return Array.isArray(part) ? part : []
    })
    return { ...pages[0]!, [member]: items, next: null }
  })
