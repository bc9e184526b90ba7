/**
 * Keeps the current link visible in a row of links that scrolls sideways.
 *
 * @module
 */
import { useLayoutEffect, useRef } from "preact/hooks"

/** Returns a ref for the row of links. `current` names the current link. */
export const useRevealed = (current: string) => {
  const row = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const all = row.current
    if (all === null) return
    const reveal = () => {
      const link = all.querySelector("[aria-current]")
      if (link === null) return
      const [outer, inner] = [all.getBoundingClientRect(), link.getBoundingClientRect()]
      if (inner.left >= outer.left && inner.right <= outer.right) return
      all.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2)
    }
    reveal()
    // A link becomes wider when its count is loaded.
    const sizes = new ResizeObserver(reveal)
    for (const link of all.children) sizes.observe(link)
    return () => sizes.disconnect()
  }, [current])
  return row
}
