/**
 * Keeps what is current in sight, in a row of links that scrolls sideways.
 *
 * @module
 */
import { useLayoutEffect, useRef } from "preact/hooks"

/** The row of links. `current` names the current one. */
export const useRevealed = (current: string) => {
  const row = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const link = row.current?.querySelector("[aria-current]")
    if (row.current === null || !(link instanceof HTMLElement)) return
    const [outer, inner] = [row.current.getBoundingClientRect(), link.getBoundingClientRect()]
    if (inner.left >= outer.left && inner.right <= outer.right) return
    row.current.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2)
  }, [current])
  return row
}
