/**
 * A list that is loaded in parts. The arrow keys move along its links.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { Resource } from "../Resource.ts"
import { Problem } from "./Problem.tsx"
import { SkeletonLines } from "./SkeletonLines.tsx"

/** A part of a list, and the cursor of the next part; null after the last part. */
export interface ListPart<Item> {
  readonly items: ReadonlyArray<Item>
  readonly next: string | null
}

interface Props<Item> {
  readonly label: string
  /** A hook that loads the part at a cursor. */
  readonly useItems: (cursor: string | undefined) => Resource<ListPart<Item>>
  readonly isHidden?: (item: Item) => boolean
  readonly row: (item: Item) => ComponentChildren
  readonly more: string
  /** Shown if the list is empty. */
  readonly empty: ComponentChildren
}

export const ListSkeleton = () => (
  <ul aria-hidden="true">
    {Array.from({ length: 6 }, (_, index) => (
      <li key={index} class="entry">
        <SkeletonLines />
      </li>
    ))}
  </ul>
)

interface Loaded {
  readonly next: string | null
  /** How many items are shown. */
  readonly shownCount: number
}

type PartProps<Item> = Pick<Props<Item>, "useItems" | "isHidden" | "row"> & {
  readonly cursor: string | undefined
  readonly onLoaded: (loaded: Loaded) => void
}

function Part<Item>({ cursor, isHidden, onLoaded, row, useItems }: PartProps<Item>) {
  const { failure, isStale, value } = useItems(cursor)
  const shown = value?.items.filter((item) => isHidden?.(item) !== true)
  useEffect(() => {
    if (value !== undefined && !isStale) onLoaded({ next: value.next, shownCount: shown?.length ?? 0 })
  }, [value?.next, isStale, shown?.length])
  if (shown === undefined) {
    return failure === undefined || failure.kind === "offline" ? <ListSkeleton /> : <Problem failure={failure} />
  }
  return (
    <ul class={isStale ? "stale" : undefined} aria-busy={isStale}>
      {shown.map(row)}
    </ul>
  )
}

const move = (event: KeyboardEvent): void => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (step === undefined) return
  const links = Array.from((event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("a"))
  const next = links[links.indexOf(document.activeElement as HTMLElement) + step]
  if (next === undefined) return
  event.preventDefault()
  next.focus()
}

export function PagedList<Item>({ empty, label, more, ...part }: Props<Item>) {
  const [cursors, setCursors] = useState<ReadonlyArray<string | undefined>>([undefined])
  const [parts, setParts] = useState<ReadonlyMap<string | undefined, Loaded>>(new Map())
  const last = parts.get(cursors.at(-1))
  const totalShown = cursors.reduce((sum, cursor) => sum + (parts.get(cursor)?.shownCount ?? 0), 0)

  // If a part shows no items, later parts may show some, so the next one is loaded.
  useEffect(() => {
    const next = last?.shownCount === 0 ? last.next : null
    if (next !== null) setCursors((all) => (all.includes(next) ? all : [...all, next]))
  }, [last])

  return (
    <section class="entries" aria-label={label} onKeyDown={move}>
      {cursors.map((cursor) => (
        <Part
          key={cursor ?? ""}
          {...part}
          cursor={cursor}
          onLoaded={(loaded) => setParts((all) => new Map([...all, [cursor, loaded]]))}
        />
      ))}
      {last !== undefined && last.next === null && totalShown === 0 && empty}
      {last !== undefined && last.next !== null && last.shownCount > 0 && (
        <button type="button" class="button" onClick={() => setCursors([...cursors, last.next ?? undefined])}>
          {more}
        </button>
      )}
    </section>
  )
}
