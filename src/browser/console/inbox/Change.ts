/**
 * A change of a submission that is shown before its request has succeeded. Pure.
 *
 * @module
 */
import type { Folder } from "./View.ts"

export interface Change {
  /** Whether the submission was marked as read or unread; undefined if it was not marked. */
  readonly isRead?: boolean
  readonly isReleased?: boolean
  readonly isDeleted?: boolean
}

export const none: Change = {}

/** Whether a change removes a submission from a folder. */
export const hides = (folder: Folder, { isDeleted, isReleased }: Change): boolean =>
  isDeleted === true || (isReleased === true && folder === "quarantined")

/**
 * `current` without `failed`, which was made to `before`. The members of `failed` have their values of `before` again, unless a
 * later change has given them other values.
 */
export const revert = (current: Change, failed: Change, before: Change): Change => {
  const members = Object.keys(failed) as ReadonlyArray<keyof Change>
  const isFailed = (member: string) =>
    members.some((failing) => failing === member && current[failing] === failed[failing])
  const kept = Object.entries(current).filter(([member]) => !isFailed(member))
  const restored = Object.entries(before).filter(([member]) => isFailed(member))
  return Object.fromEntries([...kept, ...restored])
}
