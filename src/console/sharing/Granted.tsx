/**
 * A list of people or dashboards with access, each with a button that removes the access.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import type { Resource } from "../Resource.ts"
import { type First, Rows } from "../setup/Section.tsx"

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
}

interface Props {
  readonly grants: Resource<ReadonlyArray<Grant>>
  readonly words: Words
  /** Adds the first one. */
  readonly first?: First
  /** The dialog that removes an access. */
  readonly removal: (grant: Grant, onClose: () => void) => ComponentChildren
}

export const Granted = ({ first, grants, removal, words }: Props) => {
  const [ending, setEnding] = useState<Grant | null>(null)
  return (
    <>
      <Rows
        name="grants"
        resource={grants}
        items={(all) => all}
        empty={words.none}
        first={first}
        row={(grant) => (
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
        )}
      />
      {ending !== null && removal(ending, () => setEnding(null))}
    </>
  )
}
