/**
 * Changes of submissions that are shown before their requests have succeeded. Pure.
 *
 * @module
 */
import type { Folder } from "./View.ts"

/** What changes of a submission have made of it. */
export interface Change {
  /** Whether the submission was marked as read or unread; undefined if it was not marked. */
  readonly isRead?: boolean
  readonly isReleased?: boolean
  readonly isDeleted?: boolean
  /** Whether it was marked as spam, which moves it into the quarantine. */
  readonly isSpam?: boolean
  readonly isRestored?: boolean
  /** Whether it was deleted for good. */
  readonly isPurged?: boolean
}

/** The same change of some submissions. */
export interface SharedChange {
  readonly ids: ReadonlySet<string>
  readonly change: Change
}

/** What changes in this order have made of a submission. */
export const of = (changes: ReadonlyArray<SharedChange>, submissionId: string): Change =>
  Object.assign({}, ...changes.filter(({ ids }) => ids.has(submissionId)).map(({ change }) => change))

/** Whether a change removes a submission from a folder. */
export const hides = (
  folder: Folder,
  { isDeleted = false, isPurged = false, isReleased = false, isRestored = false, isSpam = false }: Change
): boolean => {
  switch (folder) {
    case "deleted":
      return isRestored || isPurged
    case "quarantined":
      return isDeleted || isReleased
    case "accepted":
      return isDeleted || isSpam
  }
}
