/**
 * Which keys or console sessions a list has. Pure.
 *
 * @module
 */
import * as Cursor from "../text/Cursor.ts"
import * as Access from "./Access.ts"

/** The list is ordered by time of creation and id, oldest first. */
export interface CredentialQuery {
  /** Only those that a caller with the scope `write` for these websites may manage; see `Access.manages`. */
  readonly sites: Access.Access["sites"]
  /** Only those that reach this website; null for any. */
  readonly reaching: string | null
  /** Only those after this position; null from the first. */
  readonly after: Cursor.Position | null
  readonly limit: number
}

/** What a query reads of a key or a session. */
export interface Selectable {
  readonly access: Access.Access
  readonly position: Cursor.Position
}

/** The part of `all` that a query selects. */
export const select = <A>(
  all: ReadonlyArray<A>,
  { after, limit, reaching, sites }: CredentialQuery,
  of: (item: A) => Selectable
): ReadonlyArray<A> =>
  all
    .filter((item) => {
      const { access, position } = of(item)
      return (
        Access.manages({ scope: "write", sites }, access) &&
        (reaching === null || Access.reaches(access, reaching)) &&
        (after === null || Cursor.latestFirst(after, position) > 0)
      )
    })
    .sort((left, right) => Cursor.latestFirst(of(right).position, of(left).position))
    .slice(0, limit)
