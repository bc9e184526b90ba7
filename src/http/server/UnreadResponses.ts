/**
 * Finds connections whose client does not read its response.
 *
 * Node's socket timeout is unsuitable: when it expires, it restarts if the system took any byte since the write began,
 * which is always the case for a response larger than the system's buffer.
 *
 * @module
 */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as NodeInternals from "../../runtime/NodeInternals.ts"

/** A response that is complete, or whose handler waits for the client, and that is not fully sent. */
export interface Unread {
  readonly response: ServerResponse
  /** Bytes that the system has not accepted yet. */
  readonly queued: number
  /** When `queued` last changed, by the caller's clock, in milliseconds. */
  readonly since: number
}

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
  const queued = NodeInternals.queuedBytes(socket)
  return previous?.response === response && previous.queued === queued ? previous : { response, queued, since: now }
}
