/**
 * Why an answer failed, and whether the visitor can try again. Pure.
 *
 * @module
 */

export type FailureKind =
  /** 401: the token is unknown, expired or revoked. */
  | "unauthorized"
  /** 403: the website's origin is not allowed. */
  | "forbidden"
  /** 404: the instance does not exist. 422, or no request at all: the element's attributes are invalid. */
  | "missing"
  /** 413 or 422: the message is too long or otherwise invalid. */
  | "refused"
  /** 422: the conversation accepts no more messages. */
  | "full"
  /** 429: a limit of requests or tokens is reached. */
  | "limited"
  /** 502: the edge cannot reach the agent, or the agent fails. */
  | "unreachable"
  /** 503: the edge or the agent is overloaded. */
  | "unavailable"
  /** 504: the agent does not answer in time. */
  | "late"
  /** The device is or was offline. */
  | "offline"
  /** The device is online, but no response arrived. The edge may have got the message. */
  | "network"
  /** The answer is incomplete: its stream ended or stalled before the last frame, or is too long. */
  | "cut"
  /** The edge reported an error in the stream. */
  | "broken"
  /** Any other response. */
  | "unexpected"

export interface Failure {
  readonly kind: FailureKind
  /** The seconds until the message can be sent again. */
  readonly retryAfter?: number | undefined
  /** The edge's error message from the stream. */
  readonly sentence?: string
}

/** How the reception of an answer ended. */
export type Outcome =
  | "done"
  | "stopped"
  /** The edge does not know the question. */
  | "unknown"
  | Failure

/** Whether the answer, or a part of it, did not arrive. */
export const isLost = (outcome: Outcome): boolean =>
  typeof outcome === "object" && /^(cut|network|offline)$/.test(outcome.kind)

/** The longest wait before a retry, in seconds. */
const maxWait = 3600

/** Parses a `Retry-After` header in seconds: the edge sends no dates. */
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

/** Returns the failure for the status of a response. */
export const fromStatus = (status: number, retryAfter: string | null): Failure => ({
  kind: kinds[status] ?? "unexpected",
  retryAfter: readRetryAfter(retryAfter)
})

/** Returns the failure for the body of a 422: which part of the request was invalid. */
export const fromErrors = (body: string): Failure => {
  try {
    const { detail } = JSON.parse(body) as { readonly detail: ReadonlyArray<{ readonly loc: ReadonlyArray<unknown> }> }
    const fields = detail.flatMap(({ loc }) => loc)
    if (fields.includes("conversation_id")) return { kind: "full" }
    return { kind: fields.includes("message") ? "refused" : "missing" }
  } catch {
    return { kind: "refused" }
  }
}

/** Whether the same message can succeed later. */
export const isRetryable = (failure: Failure): boolean =>
  !/^(unauthorized|forbidden|missing|refused|full)$/.test(failure.kind)
