/**
 * The mark in front of a value in a list: a flag, a device, or a letter. No request leaves the service for it: an icon from the
 * source itself or from a collector of icons would tell them which visitors' sources somebody looks at.
 *
 * @module
 */
import { notSet } from "../../analytics/reports/Dimensions.ts"
import type { Dimension } from "../Address.ts"
import * as Format from "../Format.ts"
import { Icon } from "./Icon.tsx"

let flags: boolean | undefined

/** Whether the browser's fonts have flags: a flag has colours, and letters in its place have none. */
const hasFlags = (): boolean => {
  if (flags !== undefined) return flags
  const canvas = document.createElement("canvas").getContext("2d")
  canvas?.fillText(flagOf("NO"), 0, 12)
  flags =
    canvas?.getImageData(0, 0, 16, 16).data.some((value, at, all) => at % 4 === 0 && value !== all[at + 1]) === true
  return flags
}

/** The regional indicators of a country's code. */
const flagOf = (code: string): string =>
  String.fromCodePoint(...[...code].map((letter) => letter.charCodeAt(0) + 0x1f1a5))

const devices = { desktop: "system", mobile: "mobile", tablet: "tablet" } as const

/** Dimensions whose other values get a letter. */
const lettered: ReadonlyArray<Dimension> = [
  "visit:source",
  "visit:device",
  "visit:browser",
  "visit:os",
  "visit:country"
]

export const Mark = ({ dimension, value }: { readonly dimension: Dimension; readonly value: string }) => {
  if (!lettered.includes(dimension)) return null
  if (dimension === "visit:device" && Object.hasOwn(devices, value)) {
    return <Icon name={devices[value as keyof typeof devices]} />
  }
  const isCode = dimension === "visit:country" && /^[A-Z]{2}$/.test(value)
  const letter = value === notSet ? "?" : [...Format.value(dimension, value)][0]?.toUpperCase()
  return isCode && hasFlags() ? (
    <span class="flag" aria-hidden="true">
      {flagOf(value)}
    </span>
  ) : (
    <span class="letter" aria-hidden="true">
      {isCode ? value : letter}
    </span>
  )
}
