/**
 * Optimistic changes of submissions: shown at once, and reverted if their requests fail.
 *
 * @module
 */
import { useRef, useState } from "preact/hooks"
import * as Connection from "../Connection.ts"
import { type Outcome, send } from "../Requests.ts"
import { type Change, of, type SharedChange } from "./Change.ts"

export interface Changes {
  readonly of: (submissionId: string) => Change
  readonly mark: (ids: ReadonlyArray<string>, isRead: boolean) => void
  readonly markSpam: (ids: ReadonlyArray<string>) => void
  readonly release: (ids: ReadonlyArray<string>) => void
  readonly remove: (ids: ReadonlyArray<string>) => void
  readonly restore: (ids: ReadonlyArray<string>) => void
  /** Deletes those that were deleted before for good. */
  readonly purge: (ids: ReadonlyArray<string>) => void
  /** Whether a change has failed since the latest one was made. */
  readonly isFailed: boolean
}

export const useChanges = (siteId: string): Changes => {
  /** The changes, except those that failed. */
  const [changes, setChanges] = useState<ReadonlyArray<SharedChange>>([])
  const [isFailed, setFailed] = useState(false)

  /** The change that was sent last. The next one waits for its answer, so that the service makes them in order. */
  const previous = useRef<Promise<unknown>>(Promise.resolve())

  const apply = async (ids: ReadonlyArray<string>, change: Change, request: () => Promise<Outcome<unknown>>) => {
    const shared = { ids: new Set(ids), change }
    setChanges((all) => [...all, shared])
    setFailed(false)
    const sent = previous.current.then(request)
    previous.current = sent
    const outcome = await sent
    if (!outcome.ok) {
      setFailed(true)
      setChanges((all) => all.filter((other) => other !== shared))
    }
    Connection.reloadData()
  }

  const params = { site_id: siteId }
  return {
    of: (id) => of(changes, id),
    mark: (ids, isRead) =>
      void apply(ids, { isRead }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/read", { params, body: { submission_ids: ids, read: isRead } })
      ),
    markSpam: (ids) =>
      void apply(ids, { isSpam: true, isReleased: false }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/spam", { params, body: { submission_ids: ids } })
      ),
    release: (ids) =>
      void apply(ids, { isReleased: true, isSpam: false }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/release", { params, body: { submission_ids: ids } })
      ),
    restore: (ids) =>
      void apply(ids, { isDeleted: false, isRestored: true }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/restore", { params, body: { submission_ids: ids } })
      ),
    purge: (ids) =>
      void apply(ids, { isPurged: true }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/purge", { params, body: { submission_ids: ids } })
      ),
    remove: (ids) =>
      void apply(ids, { isDeleted: true, isRestored: false }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/delete", { params, body: { submission_ids: ids } })
      ),
    isFailed
  }
}
