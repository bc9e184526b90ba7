/**
 * Whether the window has room for a list and, beside it, what is open. `styles/details.css` has the same width.
 *
 * @module
 */
import { useEffect, useState } from "preact/hooks"

const narrow = matchMedia("(max-width: 56rem)")

export const useIsWide = (): boolean => {
  const [isWide, setWide] = useState(!narrow.matches)
  useEffect(() => {
    const update = () => setWide(!narrow.matches)
    narrow.addEventListener("change", update)
    return () => narrow.removeEventListener("change", update)
  }, [])
  return isWide
}
