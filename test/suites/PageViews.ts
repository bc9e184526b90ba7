/** Arbitrary page views whose texts, like those of `analytics/PageView.make`, have neither a NUL nor a lone surrogate. */
import { Effect, Schema } from "effect"
import type { PageView } from "../../src/analytics/PageView.ts"
import { viewWithoutFacts } from "../../src/analytics/StoredView.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Text = Schema.String.check(
  Schema.makeFilter((text: string) => text.isWellFormed() && !text.includes("\0"), { title: "storable" })
)
const orNull = Schema.NullOr

/** One of three names, so that some repeat, or any text. */
const Name = Schema.Union([Schema.Literals(["a", "b", "B"]), Text])

/** Shortly after a leap day, so that a day and a month end between the times of views. */
export const now = Date.UTC(2028, 2, 1, 0, 0, 3)

export const Shape = Schema.Struct({
  /** Milliseconds before `now`: up to ten seconds, or up to five days. */
  age: Schema.Union([between(0, 10_000), between(0, 5 * 86_400_000)]),
  path: Schema.Union([Schema.Literals(["/", "/a", "/é", "/\u{1F600}", "/\uFFFD"]), Text]),
  campaign: Schema.Struct({
    source: orNull(Name),
    medium: orNull(Name),
    name: orNull(Name),
    term: orNull(Name),
    content: orNull(Name)
  }),
  referrerHost: orNull(Schema.Union([Schema.Literals(["a.example", "b.example", "B.example"]), Text])),
  referrerPath: orNull(Text),
  deviceType: orNull(Schema.Literals(["desktop", "mobile", "tablet"])),
  screenWidth: orNull(between(1, 32_767)),
  sessionId: orNull(Schema.Literals(["s", "t"])),
  browser: orNull(Name),
  os: orNull(Name),
  visitor: between(0, 3),
  country: orNull(Schema.Literals(["DE", "NO"])),
  exclusion: orNull(Schema.Literals(["bot", "referrer-spam"]))
})

/** A page view of the first visitor, at `now`, of which nothing else is known. */
export const shapeOf = (fields: Partial<typeof Shape.Type> = {}): typeof Shape.Type =>
  Shape.make({ ...viewWithoutFacts, age: 0, path: "/", visitor: 0, ...fields })

/** Creates a website and returns its hosted_website_id. */
export const newSite = SiteDirectory.use((sites) => sites.create({ name: "test", origins: [] })).pipe(
  Effect.map(({ hostedWebsiteId }) => hostedWebsiteId)
)

/** A view of a website by one of four visitors. */
export const viewOf = (hostedWebsiteId: string, { age, visitor, ...shape }: typeof Shape.Type): PageView => ({
  ...shape,
  hostedWebsiteId,
  receivedAt: now - age,
  visitorHash: `0${visitor}`.repeat(16)
})
