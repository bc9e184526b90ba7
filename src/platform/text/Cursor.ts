/**
 * A place in a list that is ordered by time and id, as text for clients. Pure.
 *
 * @module
 */
import { Option } from "effect"

export interface Position {
  /** Milliseconds since 1970, not negative. */
  readonly time: number
  readonly id: string
}

export const format = ({ id, time }: Position): string => `${time}.${id}`

/**
 * None unless the text is a time, a dot and an id, as `format` writes them. `isId` says whether a text has the form of an id.
 */
export const parse = (text: string, isId: (id: string) => boolean): Option.Option<Position> => {
  const [, time = "", id = ""] = /^([0-9]{1,15})\.(.+)$/.exec(text) ?? []
  return isId(id) ? Option.some({ time: Number(time), id }) : Option.none()
}

/** A part of a list, and the position of its last item; null for the last part. */
export interface Part<A> {
  readonly items: ReadonlyArray<A>
  readonly next: Position | null
}

/** The part with the first `limit` items of `found`, which has one more if another part follows. */
export const partOf = <A>(found: ReadonlyArray<A>, limit: number, positionOf: (item: A) => Position): Part<A> => {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last !== undefined ? positionOf(last) : null }
}

/** Orders positions from the latest to the earliest. */
export const latestFirst = (left: Position, right: Position): number =>
  right.time - left.time || (left.id > right.id ? -1 : left.id < right.id ? 1 : 0)
