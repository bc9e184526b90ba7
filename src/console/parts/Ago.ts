/**
 * Formats how long ago a time was, and how long a wait is. Pure.
 *
 * @module
 */
import { language } from "../Texts.ts"

const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "long" })

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1]
] as const

/** Such as `in 10 minutes`, rounded up. */
export const until = (seconds: number): string => {
  const [unit, size] = units.find(([, size]) => seconds > size) ?? (["second", 1] as const)
  return relative.format(Math.ceil(seconds / size), unit)
}

/** Such as `12 seconds ago`. */
export const ago = (time: string, now: number): string => {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000))
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? (["second", 1] as const)
  return relative.format(-Math.floor(seconds / size), unit)
}
