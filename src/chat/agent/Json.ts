/**
 * Reads JSON values of unknown shape. These functions run once per token; decoding with a schema would take a hundred times as
 * long. Pure.
 *
 * @module
 */
import { Predicate } from "effect"

export type Fields = Readonly<Record<string, unknown>>

const noFields: Fields = {}

/** Parses JSON; undefined if the text is not JSON. */
export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The fields of an object; none for any other value. */
export const fields = (value: unknown): Fields => (Predicate.isObject(value) ? value : noFields)

/** The elements of an array; none for any other value. */
export const elements = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** A string; empty for any other value. */
export const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** A positive integer; zero for any other value. */
export const count = (value: unknown): number =>
  typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0
