/**
 * Finds connections whose client does not read a complete answer.
 *
 * Node's own socket time-out does not serve here: when it expires, it starts again if the system took any byte since the
 * write began, which it always does for an answer that is larger than the system's buffer.
 *
 * @module
 */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** A complete answer that is not sent yet. */
export interface Unread {
  readonly response: ServerResponse
  /** Bytes that the system has not taken yet. */
  readonly queued: number
  /** When `queued` changed last, in the caller's milliseconds. */
  readonly since: number
}

/** Node's own, which its types leave out. */
interface Queue {
  readonly _handle?: { readonly writeQueueSize?: number } | null
}

/**
 * The state of a connection at `now`, given its state at an earlier time and the answer that is being sent. `undefined`
 * where nothing is unread: an answer that its handler still writes waits for the handler, not for the client.
 */
export const observe = (
  known: Unread | undefined,
  socket: Socket,
  response: ServerResponse | undefined,
  now: number
): Unread | undefined => {
  if (response === undefined || !response.writableEnded || response.writableFinished) return undefined
  const queued = (socket as Socket & Queue)._handle?.writeQueueSize ?? 0
  return known?.response === response && known.queued === queued ? known : { response, queued, since: now }
}
