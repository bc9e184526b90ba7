/**
 * The error of a creation that would exceed a maximum.
 *
 * @module
 */
import { Schema } from "effect"

/** As many as `maximum` allows exist already. Nothing was created. */
export class LimitReached extends Schema.TaggedError<LimitReached>()("LimitReached", {
  /** One of `sites/Maximums`. */
  maximum: Schema.Struct({
    max: Schema.Int,
    of: Schema.String,
    per: Schema.String,
    next: Schema.Literals(["delete", "revoke", "remove"])
  })
}) {}
