/**
 * Keeps the current link visible in a row of links or choices that scrolls sideways, and shows on which sides the row has more.
 *
 * @module
 */
import { useLayoutEffect, useRef } from "preact/hooks"

/** The width in which a side fades out, in pixels, as in `styles/rows.css`. */
const fade = 48

/**
 * Returns a ref for the row of links. `current` names the current link. The row fades out on the sides on which it has more
 * (`styles/rows.css`).
 */
export const useRevealed = (current: string) => {
  const ref = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const row = ref.current
    if (row === null) return
    const mark = () => {
      // Negative from right to left.
      const before = Math.abs(row.scrollLeft)
      row.toggleAttribute("data-before", before > 1)
      row.toggleAttribute("data-after", before + row.clientWidth < row.scrollWidth - 1)
    }
    const reveal = () => {
      const link = row.querySelector("[aria-current], [aria-pressed=true]")
      if (link !== null) {
        const [outer, inner] = [row.getBoundingClientRect(), link.getBoundingClientRect()]
        if (inner.left < outer.left + fade || inner.right > outer.right - fade) {
          row.scrollLeft += inner.left + inner.width / 2 - (outer.left + outer.width / 2)
        }
      }
      mark()
    }
    reveal()
    // A link becomes wider when its count is loaded.
    const sizes = new ResizeObserver(reveal)
    for (const element of [row, ...row.children]) sizes.observe(element)
    row.addEventListener("scroll", mark, { passive: true })
    return () => {
      sizes.disconnect()
      row.removeEventListener("scroll", mark)
    }
  }, [current])
  return ref
}
