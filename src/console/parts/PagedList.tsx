/**
 * A list that is loaded in parts. The arrow keys move along its links.
 *
 * @module
 */

import type { ComponentChildren } from "preact"
import { useEffect, useState } from "preact/hooks"
import type { Resource } from "../Resource.ts"
import { Problem, SkeletonLines } from "./Message.tsx"

/** A part of a list, and the cursor of the next part; null after the last part. */
export interface ListPart<Item> {
  readonly items: ReadonlyArray<Item>
  readonly next: string | null
}

interface Props<Item> {
  readonly label: string
  readonly class?: string
  /** A hook that loads the part at a cursor. */
  readonly useItems: (cursor: string | undefined) => Resource<ListPart<Item>>
  readonly isHidden?: (item: Item) => boolean
  readonly row: (item: Item) => ComponentChildren
  readonly more: string
  /** How many parts are shown at first. */
  readonly firstParts?: number
  /** Called with the first item that is shown; undefined while none is. */
  readonly onFirst?: (item: Item | undefined) => void
  /** Called with the number of parts when a person shows one more. */
  readonly onMore?: (parts: number) => void
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

interface Loaded<Item> {
  readonly next: string | null
  /** How many items are shown. */
  readonly shownCount: number
  /** The first of them. */
  readonly first: Item | undefined
}

type PartProps<Item> = Pick<Props<Item>, "useItems" | "isHidden" | "row"> & {
  readonly cursor: string | undefined
  readonly onLoaded: (loaded: Loaded<Item>) => void
}

function Part<Item>({ cursor, isHidden, onLoaded, row, useItems }: PartProps<Item>) {
  const { failure, isStale, value } = useItems(cursor)
  const shown = value?.items.filter((item) => isHidden?.(item) !== true)
  const first = shown?.[0]
  useEffect(() => {
    if (value !== undefined && !isStale) onLoaded({ next: value.next, shownCount: shown?.length ?? 0, first })
  }, [value?.next, isStale, shown?.length, first])
  if (shown === undefined) {
    return failure === undefined || failure.kind === "offline" ? <ListSkeleton /> : <Problem failure={failure} />
  }
  return (
    <ul class={isStale ? "stale" : undefined} aria-busy={isStale}>
      {shown.map(row)}
    </ul>
  )
}

/** The cursors of the parts that follow these, up to the end of the list. */
const cursorsAfter = (parts: ReadonlyArray<Loaded<unknown>>): ReadonlyArray<string> => {
  const end = parts.findIndex(({ next }) => next === null)
  return parts.slice(0, end === -1 ? undefined : end).flatMap(({ next }) => next ?? [])
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

export function PagedList<Item>({
  class: name = "entries",
  empty,
  firstParts = 1,
  label,
  more,
  onFirst,
  onMore,
  ...part
}: Props<Item>) {
  const [maxParts, setMaxParts] = useState(firstParts)
  const [loaded, setLoaded] = useState<ReadonlyArray<Loaded<Item>>>([])
  // Each part begins where the previous one ends, also after a reload: otherwise items would be missing or appear twice.
  const cursors: ReadonlyArray<string | undefined> = [undefined, ...cursorsAfter(loaded.slice(0, maxParts - 1))]
  const last = loaded[cursors.length - 1]
  const totalShown = loaded.slice(0, cursors.length).reduce((sum, { shownCount }) => sum + shownCount, 0)
  const showNext = () => setMaxParts(cursors.length + 1)

  const first = loaded.slice(0, cursors.length).find(({ shownCount }) => shownCount > 0)?.first
  useEffect(() => onFirst?.(first), [first])

  // If a part shows no items, later parts may show some, so the next one is loaded.
  useEffect(() => {
    if (last?.shownCount === 0 && last.next !== null) showNext()
  }, [last])

  return (
    <section class={name} aria-label={label} onKeyDown={move}>
      {cursors.map((cursor, index) => (
        <Part
          key={index}
          {...part}
          cursor={cursor}
          onLoaded={(one) => setLoaded((all) => [...all.slice(0, index), one, ...all.slice(index + 1)])}
        />
      ))}
      {last !== undefined && last.next === null && totalShown === 0 && empty}
      {last !== undefined && last.next !== null && last.shownCount > 0 && (
        <button
          type="button"
          class="button"
          onClick={() => {
            showNext()
            onMore?.(cursors.length + 1)
          }}
        >
          {more}
        </button>
      )}
    </section>
  )
}
