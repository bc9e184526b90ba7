/**
 * Why a message got no whole answer, and what the visitor can do about it. Pure.
 *
 * @module
 */

export type FailureKind =
  /** 401: the token is wrong, expired or revoked. */
  | "unauthorized"
  /** 403: this website may not use this chat. */
  | "forbidden"
  /** 404: there is no such chat. */
  | "missing"
  /** 413 or 422: the message itself was refused. */
  | "refused"
  /** 429. */
  | "limited"
  /** 502. */
  | "unreachable"
  /** 503. */
  | "unavailable"
  /** 504. */
  | "late"
  /** The visitor's device has no connection. */
  | "offline"
  /** There is a connection, but none to the edge. */
  | "network"
  /** The stream ended or fell silent before its last frame. */
  | "cut"
  /** The agent's answer broke, and the edge said so in the stream. */
  | "broken"
  /** Anything else. */
  | "unexpected"

export interface Failure {
  readonly kind: FailureKind
  /** After how many seconds the message may be sent again, if the edge said so. */
  readonly retryAfter?: number | undefined
  /** The edge's own sentence, if it came in the stream. */
  readonly sentence?: string
}

/** The longest wait that is believed: an hour, in seconds. */
const maxWait = 3600

/** Reads a `Retry-After` header that holds seconds, as the edge sends it. */
export const readRetryAfter = (header: string | null): number | undefined =>
  /^\d+$/.test(header ?? "") ? Math.min(Number(header), maxWait) : undefined

const kinds: Readonly<Record<number, FailureKind>> = {
  401: "unauthorized",
  403: "forbidden",
  404: "missing",
  413: "refused",
  422: "refused",
  429: "limited",
  502: "unreachable",
  503: "unavailable",
  504: "late"
}

/** The failure that an answer with this status is. */
export const ofStatus = (status: number, retryAfter: string | null): Failure => ({
  kind: kinds[status] ?? "unexpected",
  retryAfter: readRetryAfter(retryAfter)
})

/** Whether sending the same message again may help. */
export const isRetryable = (failure: Failure): boolean =>
  !/^(unauthorized|forbidden|missing|refused)$/.test(failure.kind)
