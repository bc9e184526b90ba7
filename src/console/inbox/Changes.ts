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
  const changing =
    (name: "spam" | "release" | "restore" | "purge" | "delete", change: Change) =>
    (ids: ReadonlyArray<string>): void =>
      void apply(ids, change, () =>
        send(`POST /v1/owner/sites/:site_id/submissions/${name}`, { params, body: { submission_ids: ids } })
      )
  return {
    of: (id) => of(changes, id),
    mark: (ids, isRead) =>
      void apply(ids, { isRead }, () =>
        send("POST /v1/owner/sites/:site_id/submissions/read", { params, body: { submission_ids: ids, read: isRead } })
      ),
    markSpam: changing("spam", { isSpam: true, isReleased: false }),
    release: changing("release", { isReleased: true, isSpam: false }),
    restore: changing("restore", { isDeleted: false, isRestored: true }),
    purge: changing("purge", { isPurged: true }),
    remove: changing("delete", { isDeleted: true, isRestored: false }),
    isFailed
  }
}
