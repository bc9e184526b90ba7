/**
 * For answers that arrive after a person has closed what they are for.
 *
 * @module
 */
import { useEffect, useRef } from "preact/hooks"

/** Returns `act`, which does nothing once the component is no longer shown. */
export const useWhileShown = <A extends ReadonlyArray<unknown>>(act: (...input: A) => void) => {
  const isShown = useRef(true)
  useEffect(
    () => () => {
      isShown.current = false
    },
    []
  )
  return (...input: A): void => {
    if (isShown.current) act(...input)
  }
}
