/**
 * A place in a list that is ordered by time and id, as text for clients. Pure.
 *
 * @module
 */
import { Option } from "effect"
import { isCanonicalUuid } from "./Uuid.ts"

export interface Position {
  /** Milliseconds since 1970. */
  readonly time: number
  /** A canonical UUID. */
  readonly id: string
}

export const format = ({ id, time }: Position): string => `${time}.${id}`

/** None for a text that `format` cannot have made. */
export const parse = (text: string): Option.Option<Position> => {
  const [, time = "", id = ""] = /^(-?[0-9]{1,15})\.([0-9a-f-]{36})$/.exec(text) ?? []
  return isCanonicalUuid(id) ? Option.some({ time: Number(time), id }) : Option.none()
}

/** Orders positions from the latest to the earliest. */
export const latestFirst = (left: Position, right: Position): number =>
  right.time - left.time || (left.id > right.id ? -1 : left.id < right.id ? 1 : 0)
