/** Arbitrary events whose texts, like those of `analytics/Event.make`, have neither a NUL nor a lone surrogate. */
import { Schema } from "effect"
import type { Event } from "../../src/analytics/Event.ts"
import { now } from "./PageViews.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Text = Schema.String.check(
  Schema.makeFilter((text: string) => text.isWellFormed() && !text.includes("\0"), { title: "storable" })
)
const orNull = Schema.NullOr

const Name = Schema.Union([Schema.Literals(["Signup", "Sale"]), Text])

export const EventShape = Schema.Struct({
  /** Milliseconds before `now`: up to ten seconds, or up to five days. */
  age: Schema.Union([between(0, 10_000), between(0, 5 * 86_400_000)]),
  name: Name,
  path: Schema.Union([Schema.Literals(["/", "/a", "/é"]), Text]),
  sessionId: orNull(Schema.Literals(["s", "t"])),
  deviceType: orNull(Schema.Literals(["desktop", "mobile"])),
  browser: orNull(Name),
  os: orNull(Name),
  country: orNull(Schema.Literals(["DE", "NO"])),
  properties: orNull(
    Schema.Record(
      Schema.Union([Schema.Literals(["__proto__", "color"]), Text]),
      Schema.Union([
        Text,
        Schema.Finite.check(Schema.makeFilter((value: number) => !Object.is(value, -0))),
        Schema.Boolean
      ])
    ).check(Schema.isMinProperties(1))
  ),
  /** The revenue, in thousandths of the currency's unit. */
  amount: orNull(between(-1_000_000_000, 1_000_000_000)),
  isInteractive: Schema.Boolean,
  visitor: between(0, 3)
})

/** An event of a website by one of four visitors. */
export const eventOf = (
  hostedWebsiteId: string,
  { age, amount, visitor, ...shape }: typeof EventShape.Type
): Event => ({
  ...shape,
  hostedWebsiteId,
  receivedAt: now - age,
  visitorHash: `0${visitor}`.repeat(16),
  revenue: amount === null ? null : { amount: amount / 1_000, currency: "EUR" }
})
