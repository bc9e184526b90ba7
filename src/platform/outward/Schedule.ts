/**
 * When a delivery is attempted again, and when a webhook is disabled. Pure: the time and the random number are arguments.
 *
 * The delays are those that Standard Webhooks recommends.
 *
 * @module
 */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute

/** The duration of a lease in milliseconds: longer than an attempt. If a process dies, another continues within 30 s. */
export const leaseMillis = 25 * second

/** The delays between attempts, in milliseconds. The first attempt is made at once. */
export const delays: ReadonlyArray<number> = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour
]

/** The maximum delay before jitter, even if `Retry-After` asks for more. */
export const maxDelay = 24 * hour

/** A series of failures disables its webhook after this time. */
export const failingLimit = 5 * 24 * hour

/** The minimum time between two failures of a series that are recorded. */
export const recordedApart = 12 * hour

/**
 * A failure this long after the last recorded one begins a new series. While a delivery is pending, failures follow each other
 * sooner: at most `recordedApart` and the longest delay after the last recorded one.
 */
export const quietLimit = 48 * hour

/** The maximum pause of a webhook that fails. */
export const maxPause = 5 * second

/** The pause of a webhook that fails, as a share of the time for which it has failed. */
const pauseShare = 0.1

/** The maximum share by which a delay is lengthened, so that the retries of many deliveries spread out. */
export const jitter = 0.2

/** The outcome of an attempt. */
export interface Outcome {
  /** The response's status; null if there was no response. */
  readonly status: number | null
  /** Milliseconds that the receiver requested to wait, or null. */
  readonly retryAfter: number | null
}

/** The state of a delivery after an attempt. Times are milliseconds since 1970. */
export type Next =
  | { readonly status: "delivered" }
  | { readonly status: "pending"; readonly nextAttemptAt: number }
  | { readonly status: "failed" }

/** Only 2xx is success: a redirect is not followed. */
export const isDelivered = ({ status }: Pick<Outcome, "status">): boolean =>
  status !== null && status >= 200 && status < 300

/**
 * The state of a delivery after an attempt.
 *
 * @param attempt the number of the attempt, from 1
 * @param random from 0 to 1
 */
export const next = (outcome: Outcome, attempt: number, now: number, random: number): Next => {
  if (isDelivered(outcome)) return { status: "delivered" }
  const delay = delays[attempt - 1]
  if (outcome.status === 410 || delay === undefined) return { status: "failed" }
  const jittered = delay * (1 + jitter * random)
  return {
    status: "pending",
    nextAttemptAt: now + Math.min(Math.max(jittered, outcome.retryAfter ?? 0), maxDelay * (1 + jitter))
  }
}

/**
 * The health of a webhook. Times are milliseconds since 1970. Failures without a success in between are a series. A series also
 * ends when a delivery is given up while none is pending, after two days without a failure, and with a new URL.
 */
export interface Health {
  /** The first failure of the series; null without a series. */
  readonly failingSince: number | null
  /** The last recorded failure of the series besides the first: each is twelve hours or more after the one before. */
  readonly failedAgainAt: number | null
  readonly disabledAt: number | null
}

/** The health of a webhook without a series. */
export const healthy = { failingSince: null, failedAgainAt: null, disabledAt: null } as const satisfies Health

/** What an attempt shows about its webhook. */
export interface HealthFacts {
  /** The response's status; null if there was no response. */
  readonly status: number | null
  /** When the attempt ended, in milliseconds since 1970. */
  readonly at: number
  /** Whether the delivery was given up and the webhook has no pending delivery. */
  readonly isLast: boolean
}

/**
 * The health after an attempt. A webhook is disabled by a 410, or by a series of failures over at least five days. Two of its
 * earlier failures then lie at least twelve hours apart, since no two days of a series are without a failure.
 */
export const healthAfter = (health: Health, { at, isLast, status }: HealthFacts): Health => {
  const { disabledAt } = health
  if (isDelivered({ status })) return { ...healthy, disabledAt }
  const recordedAt = health.failedAgainAt ?? health.failingSince
  const isContinued = recordedAt !== null && at - recordedAt < quietLimit
  const failingSince = (isContinued ? health.failingSince : null) ?? at
  const failedAgainAt = isContinued ? health.failedAgainAt : null
  const isDead = status === 410 || at - failingSince >= failingLimit
  if (disabledAt === null && !isDead && isLast) return healthy
  return {
    failingSince,
    failedAgainAt: at - (failedAgainAt ?? failingSince) >= recordedApart ? at : failedAgainAt,
    disabledAt: disabledAt ?? (isDead ? at : null)
  }
}

/**
 * How long a webhook gets no request after this attempt, in milliseconds. Without this pause, all waiting deliveries of a
 * webhook that is down would fail in quick succession, which would take processor time and use up an attempt of each.
 */
export const pauseAfter = ({ failingSince }: Pick<Health, "failingSince">, now: number): number =>
  failingSince === null ? 0 : Math.min(Math.max(0, (now - failingSince) * pauseShare), maxPause)

/** Parses `Retry-After`: seconds, or an HTTP date. Milliseconds from `now`, at most `maxDelay`; null if it is neither. */
export const parseRetryAfter = (text: string | undefined, now: number): number | null => {
  if (text === undefined) return null
  const trimmed = text.trim()
  const millis = /^[0-9]+$/.test(trimmed)
    ? Number(trimmed) * second
    : /^[A-Za-z]{3},/.test(trimmed)
      ? Date.parse(trimmed) - now
      : Number.NaN
  return Number.isNaN(millis) ? null : Math.min(Math.max(millis, 0), maxDelay)
}
