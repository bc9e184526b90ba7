/**
 * Optimistic changes of submissions: shown at once, and reverted if their requests fail.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Connection from "../Connection.ts"
import { type Outcome, send } from "../Requests.ts"
import type { Folder } from "./View.ts"

export interface Change {
  /** Whether the submission was marked as read or unread; undefined if it was not marked. */
  readonly isRead?: boolean
  readonly isReleased?: boolean
  readonly isDeleted?: boolean
}

/** Whether a change removes a submission from a folder. */
export const hides = (folder: Folder, { isDeleted, isReleased }: Change): boolean =>
  isDeleted === true || (isReleased === true && folder === "quarantined")

export interface Changes {
  readonly of: (submissionId: string) => Change
  readonly mark: (ids: ReadonlyArray<string>, isRead: boolean) => void
  readonly release: (ids: ReadonlyArray<string>) => void
  readonly remove: (ids: ReadonlyArray<string>) => void
  /** Whether the last change failed. */
  readonly isFailed: boolean
}

const none: Change = {}

export const useChanges = (siteId: string): Changes => {
  const [changes, setChanges] = useState<ReadonlyMap<string, Change>>(new Map())
  const [isFailed, setFailed] = useState(false)

  const apply = async (ids: ReadonlyArray<string>, change: Change, sent: Promise<Outcome<unknown>>) => {
    const before = ids.map((id) => [id, changes.get(id) ?? none] as const)
    setChanges((all) => new Map([...all, ...ids.map((id) => [id, { ...all.get(id), ...change }] as const)]))
    const outcome = await sent
    setFailed(!outcome.ok)
    if (!outcome.ok) setChanges((all) => new Map([...all, ...before]))
    Connection.reloadData()
  }

  const params = { site_id: siteId }
  return {
    of: (id) => changes.get(id) ?? none,
    mark: (ids, isRead) =>
      void apply(
        ids,
        { isRead },
        send("POST /v1/owner/sites/:site_id/submissions/read", { params, body: { submission_ids: ids, read: isRead } })
      ),
    release: (ids) =>
      void apply(
        ids,
        { isReleased: true },
        send("POST /v1/owner/sites/:site_id/submissions/release", { params, body: { submission_ids: ids } })
      ),
    remove: (ids) =>
      void apply(
        ids,
        { isDeleted: true },
        send("POST /v1/owner/sites/:site_id/submissions/delete", { params, body: { submission_ids: ids } })
      ),
    isFailed
  }
}
