/**
 * Validates the settings of a goal. Pure.
 *
 * @module
 */
import { Option } from "effect"
import { isStorable } from "../text/Storable.ts"
import * as EventLimits from "./EventLimits.ts"

/** Parses the name of an event. It cannot be `pageview`: a goal names page views by their path. */
export const parseEvent: (text: string) => Option.Option<string> = Option.liftPredicate(
  (text: string) =>
    text !== "" &&
    text !== EventLimits.pageviewName &&
    text.length <= 2 * EventLimits.limits.name &&
    [...text].length <= EventLimits.limits.name &&
    isStorable(text)
)

/** The maximum length of a path or a pattern. A report compares it with every path, so its time counts. */
export const maxPath = 500

/** The maximum number of stars in a pattern. It is low because a report matches the pattern with every path. */
export const maxStars = 20

/** Parses a path, or a pattern in which each star matches any text. */
export const parsePage: (text: string) => Option.Option<string> = Option.liftPredicate(
  (text: string) =>
    text.length <= maxPath && /^[/*][^?#]*$/.test(text) && text.split("*").length <= maxStars + 1 && isStorable(text)
)
