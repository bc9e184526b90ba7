/**
 * Orders texts by their code points, as PostgreSQL's collation "C" does. Pure.
 *
 * @module
 */
import { Buffer } from "node:buffer"

/** Negative if `left` comes first. */
export const compare = (left: string, right: string): number =>
  left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right))
