/**
 * A list of people or dashboards with access, each with a button that removes the access.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { Confirm } from "../parts/Dialog.tsx"
import { Problem, SkeletonLines } from "../parts/Message.tsx"
import type { Failure } from "../Requests.ts"
import type { Resource } from "../Resource.ts"
import { Empty, type First } from "../setup/Section.tsx"
import * as Texts from "../Texts.ts"

export interface Grant {
  readonly id: string
  readonly name: string
  /** What the access permits, and its dates. */
  readonly details: ComponentChildren
  /** What else can be done with it, beside its removal. */
  readonly actions?: ComponentChildren
  /** Whether this is the person's own access, which cannot be removed here. */
  readonly isOwn: boolean
}

interface Words {
  readonly none: string
  /** The label of the button. `endOf` begins with it. */
  readonly end: string
  readonly endOf: (name: string) => string
  readonly confirm: (name: string) => string
  readonly confirmBody: string
  /** The label of the checkbox "also end what was opened with this access". Absent if an access cannot open anything. */
  readonly withOpened?: string | undefined
}

interface Props {
  readonly grants: Resource<ReadonlyArray<Grant>>
  readonly words: Words
  /** Adds the first one. */
  readonly first?: First
  /** Removes an access and, if `endsOpened`, also what was opened with it. Returns the failure, if any. */
  readonly onEnd: (id: string, endsOpened: boolean) => Promise<Failure | undefined>
}

export const Granted = ({ grants: { failure, value }, first, onEnd, words }: Props) => {
  const [ending, setEnding] = useState<Grant | null>(null)
  const [failed, setFailed] = useState<Failure | undefined>(undefined)
  const end = async (grant: Grant, endsOpened: boolean) => {
    setEnding(null)
    setFailed(await onEnd(grant.id, endsOpened))
  }
  if (value === undefined) {
    return failure === undefined || failure.kind === "offline" ? (
      <ul class="grants" aria-busy="true">
        <li>
          <SkeletonLines />
        </li>
      </ul>
    ) : (
      <Problem failure={failure} />
    )
  }
  return (
    <>
      {value.length === 0 ? (
        <Empty text={words.none} first={first} />
      ) : (
        <ul class="grants">
          {value.map((grant) => (
            <li key={grant.id}>
              <span class="granted">
                <b>
                  <bdi>{grant.name}</bdi>
                </b>
                <span class="muted">{grant.details}</span>
              </span>
              {grant.actions}
              {!grant.isOwn && (
                <button
                  type="button"
                  class="button"
                  aria-label={words.endOf(grant.name)}
                  onClick={() => setEnding(grant)}
                >
                  {words.end}
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      {failed !== undefined && (
        <p class="bad" role="alert">
          {Texts.failures[failed.kind]}
        </p>
      )}
      {ending !== null && (
        <Confirm
          title={words.confirm(ending.name)}
          body={words.confirmBody}
          action={words.end}
          checkbox={words.withOpened}
          onCancel={() => setEnding(null)}
          onConfirm={(endsOpened) => end(ending, endsOpened)}
        />
      )}
    </>
  )
}
