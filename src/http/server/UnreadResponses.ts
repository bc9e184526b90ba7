/**
 * Finds connections whose client does not read its response, or reads it too slowly.
 *
 * Node's socket timeout is unsuitable: when it expires, it restarts if the system took any byte since the write began,
 * which is always the case for a response larger than the system's buffer.
 *
 * @module
 */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as NodeInternals from "../../runtime/NodeInternals.ts"

/**
 * How many bytes of a response a client must read within the timeout. With a timeout of a minute, this is a kilobyte a second:
 * without a minimum, a client could hold an export's slot for days with a few bytes a minute.
 */
export const minBytes = 65_536

/** A response that is complete, or whose handler waits for the client, and that is not fully sent. */
export interface Unread {
  readonly response: ServerResponse
  /** How many bytes the system had accepted from the connection at `since`. */
  readonly accepted: number
  /** When the client began to read the current `minBytes`, by the caller's clock, in milliseconds. */
  readonly since: number
}

/** The state after an observation of the same connection: `since` moves when the client has read `minBytes`. */
export const next = (previous: Unread | undefined, observed: Unread): Unread =>
  previous?.response === observed.response && observed.accepted - previous.accepted < minBytes ? previous : observed

/**
 * The state of a connection at `now`, given its previous state and the response being sent. `undefined` if nothing is
 * unread: a response that its handler still writes waits for the handler, unless its buffer is full.
 */
export const observe = (
  previous: Unread | undefined,
  socket: Socket,
  response: ServerResponse | undefined,
  now: number
): Unread | undefined => {
  if (response === undefined || response.writableFinished) return undefined
  if (!response.writableEnded && !response.writableNeedDrain) return undefined
  return next(previous, { response, accepted: NodeInternals.acceptedBytes(socket), since: now })
}
