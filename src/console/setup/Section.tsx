/**
 * A section of the settings, and its list.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useId, useLayoutEffect, useRef } from "preact/hooks"
import { Icon } from "../parts/Icon.tsx"
import { Problem, SkeletonLines } from "../parts/Message.tsx"
import { OnCommandLine } from "../parts/Snippet.tsx"
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

interface AddProps {
  readonly label: string
  readonly onClick: () => void
  /** Whether the list is empty, so that this is what a person does first. */
  readonly isFirst?: boolean
}

export const AddButton = ({ isFirst = false, label, onClick }: AddProps) => (
  <button type="button" class={`button ${isFirst ? "primary" : ""}`} onClick={onClick}>
    <Icon name="add" />
    {label}
  </button>
)

/** Shown instead of something that is loading or could not be loaded. */
export const Loading = ({ failure }: { readonly failure: Failure | undefined }) =>
  failure === undefined ? <div class="loading" aria-busy="true" /> : <Problem failure={failure} />

interface RowsProps<A, Item> {
  /** The class of the list. */
  readonly name?: string
  readonly resource: Resource<A>
  readonly items: (answer: A) => ReadonlyArray<Item>
  readonly row: (item: Item) => ComponentChildren
  /** Shown if the list is empty: explains its purpose. */
  readonly empty: string
  /** Adds the first item. Absent for a person who may not. */
  readonly first?: First | false | undefined
}

export interface First extends Omit<AddProps, "isFirst"> {
  /** The command that does the same. */
  readonly command?: string
}

/** The purpose of an empty list, and the step that fills it. Its button stands in for the one in the head of the section. */
const FirstStep = ({ command, label, onClick, text }: First & { readonly text: string }) => {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const [step, section] = [box.current, box.current?.closest("section")]
    return () => {
      // The button in the head is shown when this one is gone, and then gets its focus.
      if (step?.contains(document.activeElement) !== true) return
      queueMicrotask(() => section?.querySelector<HTMLElement>("header .button")?.focus())
    }
  }, [])
  return (
    <div class="none first-step" ref={box}>
      <p>{text}</p>
      <AddButton label={label} onClick={onClick} isFirst />
      {command !== undefined && <OnCommandLine command={command} />}
    </div>
  )
}

/** An empty list. */
const Empty = ({ first, text }: { readonly text: string; readonly first?: First | false | undefined }) =>
  first ? <FirstStep {...first} text={text} /> : <p class="none">{text}</p>

export function Rows<A, Item>({
  empty,
  first,
  items,
  name = "rows",
  resource: { failure, value },
  row
}: RowsProps<A, Item>) {
  if (value === undefined) {
    return failure === undefined || failure.kind === "offline" ? (
      <ul class={name} aria-busy="true">
        <li>
          <SkeletonLines />
        </li>
      </ul>
    ) : (
      <Problem failure={failure} />
    )
  }
  const found = items(value)
  return found.length === 0 ? <Empty text={empty} first={first} /> : <ul class={name}>{found.map(row)}</ul>
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
