/**
 * Keeps the current link visible in a row of links that scrolls sideways.
 *
 * @module
 */
import { useLayoutEffect, useRef } from "preact/hooks"

/** Returns a ref for the row of links. `current` names the current link. */
export const useRevealed = (current: string) => {
  const ref = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const row = ref.current
    if (row === null) return
    const reveal = () => {
      const link = row.querySelector("[aria-current]")
      if (link === null) return
      const [outer, inner] = [row.getBoundingClientRect(), link.getBoundingClientRect()]
      if (inner.left >= outer.left && inner.right <= outer.right) return
      row.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2)
    }
    reveal()
    // A link becomes wider when its count is loaded.
    const sizes = new ResizeObserver(reveal)
    for (const link of row.children) sizes.observe(link)
    return () => sizes.disconnect()
  }, [current])
  return ref
}
