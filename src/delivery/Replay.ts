/**
 * Replays: the deliveries of a webhook that are sent again. Pure.
 *
 * A replay makes deliveries due in steps, in the order of their events. The next step follows when few deliveries of the webhook
 * are due, so that new events do not wait for the whole replay.
 *
 * @module
 */
import type { Position } from "../platform/text/Cursor.ts"
import type { DeliveryStatus, ReplaySelection } from "./Delivery.ts"

/** A replay that has not ended. */
export interface Replay extends Omit<ReplaySelection, "since"> {
  /** The last delivery that a step has read. */
  readonly after: Position
  /** The time of the latest event that had a delivery when the replay began, in milliseconds since 1970. */
  readonly until: number
}

/** A delivery that a step reads. */
export interface Candidate {
  readonly eventId: string
  readonly createdAt: number
  readonly status: DeliveryStatus
  /** Whether it is being attempted, or is due within the duration of a lease. */
  readonly isUnderWay: boolean
  /** False once the subject of its event is deleted. */
  readonly hasPayload: boolean
}

/** The maximum number of deliveries that one step makes due. A webhook with as many due deliveries gets no further step. */
export const stepSize = 100

/** The maximum number of deliveries that one step reads. */
export const windowSize = 2_000

/** The maximum number of deliveries that are counted before a replay. */
export const maxCount = 10_000

/** The place before all deliveries since a time: no event has this id. */
export const startOf = (since: number): Position => ({ time: since, id: "00000000-0000-0000-0000-000000000000" })

/** Whether a replay sends a delivery again. */
const isSelected = (
  { hasPayload, isUnderWay, status }: Omit<Candidate, "eventId" | "createdAt">,
  selected: DeliveryStatus | undefined
): boolean => hasPayload && !isUnderWay && (selected === undefined || status === selected)

export interface Step {
  /** The events of the deliveries that become due. */
  readonly eventIds: ReadonlyArray<string>
  /** The last delivery that was read; null if the replay has ended. */
  readonly after: Position | null
}

/**
 * The next step of a replay.
 *
 * @param window the next deliveries of the replay, oldest first. Fewer than `size` are the last ones
 */
export const step = (
  window: ReadonlyArray<Candidate>,
  status: DeliveryStatus | undefined,
  { limit, size }: { readonly limit: number; readonly size: number } = { limit: stepSize, size: windowSize }
): Step => {
  const selected = window.filter((candidate) => isSelected(candidate, status)).slice(0, limit)
  const isFull = selected.length === limit
  const last = isFull ? selected.at(-1) : window.length < size ? undefined : window.at(-1)
  return {
    eventIds: selected.map(({ eventId }) => eventId),
    after: last === undefined ? null : { time: last.createdAt, id: last.eventId }
  }
}
