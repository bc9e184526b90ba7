/**
 * A section of the settings, and its list.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useId } from "preact/hooks"
import { Icon } from "../parts/Icon.tsx"
import { Problem, SkeletonLines } from "../parts/Message.tsx"
import type { Failure } from "../Requests.ts"
import type { Resource } from "../Resource.ts"

interface Props {
  readonly title: string
  readonly note?: ComponentChildren
  /** The buttons beside the title. */
  readonly actions?: ComponentChildren
  readonly children?: ComponentChildren
}

export const Section = ({ actions, children, note, title }: Props) => {
  const id = useId()
  return (
    <section class="setting" aria-labelledby={id}>
      <header>
        <div>
          <h2 id={id}>{title}</h2>
          {note !== undefined && <p class="muted">{note}</p>}
        </div>
        {actions}
      </header>
      {children}
    </section>
  )
}

export const AddButton = ({ label, onClick }: { readonly label: string; readonly onClick: () => void }) => (
  <button type="button" class="button" onClick={onClick}>
    <Icon name="add" />
    {label}
  </button>
)

/** Shown instead of something that is loading or could not be loaded. */
export const Loading = ({ failure }: { readonly failure: Failure | undefined }) =>
  failure === undefined ? <div class="loading" aria-busy="true" /> : <Problem failure={failure} />

interface RowsProps<A, Item> {
  readonly resource: Resource<A>
  readonly items: (answer: A) => ReadonlyArray<Item>
  readonly row: (item: Item) => ComponentChildren
  /** Shown if the list is empty: explains its purpose. */
  readonly empty: string
}

export function Rows<A, Item>({ empty, items, resource: { failure, value }, row }: RowsProps<A, Item>) {
  if (value === undefined) {
    return failure === undefined || failure.kind === "offline" ? (
      <ul class="rows" aria-busy="true">
        <li>
          <SkeletonLines />
        </li>
      </ul>
    ) : (
      <Problem failure={failure} />
    )
  }
  const found = items(value)
  return found.length === 0 ? <p class="none">{empty}</p> : <ul class="rows">{found.map(row)}</ul>
}

interface RowProps {
  readonly title: ComponentChildren
  readonly facts?: ComponentChildren
  /** An error, or something that needs attention. */
  readonly problem?: string | undefined
  readonly children?: ComponentChildren
}

export const Row = ({ children, facts, problem, title }: RowProps) => (
  <li>
    <div class="about">
      <b>
        <bdi>{title}</bdi>
      </b>
      {facts !== undefined && <p class="muted">{facts}</p>}
      {problem !== undefined && <p class="bad">{problem}</p>}
    </div>
    {children !== undefined && <div class="actions">{children}</div>}
  </li>
)
