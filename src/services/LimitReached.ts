/**
 * The error of a creation that would exceed a maximum.
 *
 * @module
 */
import { Schema } from "effect"
import type { Maximum } from "../core/sites/Maximums.ts"

/** As many as `maximum` allows exist already. Nothing was created. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  maximum: Schema.declare((_: unknown): _ is Maximum => true)
}) {}
