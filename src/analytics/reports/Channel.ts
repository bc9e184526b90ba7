/**
 * The acquisition channel of a visit, from its source, medium and campaign. The channels and their definitions are those of
 * Plausible, which follows Google Analytics' default channel group
 * (https://plausible.io/docs/top-referrers#channels, https://support.google.com/analytics/answer/9756891). Pure.
 *
 * The rules are data, so that databases can apply them too: each pattern means the same in JavaScript, PostgreSQL and
 * ClickHouse. A pattern is matched with a text whose ASCII letters are in lower case.
 *
 * @module
 */
import * as Sources from "./Sources.ts"

export const channels = [
  "Cross-network",
  "Paid Shopping",
  "Paid Search",
  "Paid Social",
  "Paid Video",
  "Display",
  "Paid Other",
  "AI Assistants",
  "Organic Shopping",
  "Organic Social",
  "Organic Video",
  "Organic Search",
  "Email",
  "Affiliates",
  "Audio",
  "SMS",
  "Mobile Push Notifications",
  "Referral",
  "Direct"
] as const

export type Channel = (typeof channels)[number]

/** What the channel depends on. An absent field is null. */
export interface ChannelFields {
  /** `utm_source`, else the referrer's host. */
  readonly source: string | null
  readonly medium: string | null
  readonly campaign: string | null
}

export type Condition =
  /** The field is present and the pattern matches a part of it. */
  | { readonly field: keyof ChannelFields; readonly pattern: string }
  | { readonly all: ReadonlyArray<Condition> }
  | { readonly any: ReadonlyArray<Condition> }

const searchEngines = Sources.ofKind("search")
  .flatMap(({ domain }) => domain ?? [])
  .join("|")

const search = Sources.pattern(Sources.ofKind("search"))
const social = Sources.pattern(Sources.ofKind("social"))
const video = Sources.pattern(Sources.ofKind("video"))
const shopping = Sources.pattern(Sources.ofKind("shopping"))
const assistants = Sources.pattern(Sources.ofKind("assistant"))
const mail = `${Sources.pattern(Sources.ofKind("mail"))}|^(e[-_ ]?mail|newsletter)$`

const source = (pattern: string): Condition => ({ field: "source", pattern })
const medium = (pattern: string): Condition => ({ field: "medium", pattern })
const campaign = (pattern: string): Condition => ({ field: "campaign", pattern })
const any = (...conditions: ReadonlyArray<Condition>): Condition => ({ any: conditions })
const all = (...conditions: ReadonlyArray<Condition>): Condition => ({ all: conditions })

const paid = medium("cp|^ppc$|^retargeting$|^paid")
const shop = any(source(shopping), campaign("([^a-df-z]|^)shop|shopping"))

/** The first rule that holds gives the channel. If none holds, the channel is `Direct`. */
export const rules: ReadonlyArray<readonly [channel: Channel, condition: Condition]> = [
  ["Cross-network", any(medium("^cross-network$"), campaign("cross-network"))],
  ["Paid Shopping", all(shop, paid)],
  [
    "Paid Search",
    any(all(source(search), paid), source(`^(${searchEngines})[-_. ]?ads?$|^adwords$`), medium("^(gclid|msclkid)$"))
  ],
  [
    "Paid Social",
    any(
      all(source(social), paid),
      source("^(facebook|fb|instagram|ig|twitter|linkedin|reddit|pinterest|tiktok)([-_ ][a-z0-9_ -]*)?[-_ ]?ads?$")
    )
  ],
  ["Paid Video", any(all(source(video), paid), source("^(youtube|yt|vimeo|twitch)([-_ ][a-z0-9_ -]*)?[-_ ]?ads?$"))],
  ["Display", medium("^(display|banner|expandable|interstitial|cpm)$")],
  ["Paid Other", paid],
  ["AI Assistants", source(assistants)],
  ["Organic Shopping", shop],
  [
    "Organic Social",
    any(source(social), medium("^(social|social-network|social-media|sm|social network|social media)$"))
  ],
  ["Organic Video", any(source(video), medium("video"))],
  ["Organic Search", any(source(search), medium("^organic$"))],
  ["Email", any(source(mail), medium("^(email|e-mail|e_mail|e mail|newsletter)$"))],
  ["Affiliates", medium("^affiliates?$")],
  ["Audio", medium("^audio$")],
  ["SMS", any(source("^sms$"), medium("^sms$"))],
  ["Mobile Push Notifications", any(source("^firebase$"), medium("push$|mobile|notification"))],
  ["Referral", any(source("^[^(]"), medium("^(referral|app|link)$"))]
]

const compiled = new Map<string, RegExp>()

const test = (pattern: string, text: string): boolean => {
  let expression = compiled.get(pattern)
  if (expression === undefined) {
    expression = new RegExp(pattern)
    compiled.set(pattern, expression)
  }
  return expression.test(text)
}

const holds = (condition: Condition, fields: ChannelFields): boolean => {
  if ("all" in condition) return condition.all.every((part) => holds(part, fields))
  if ("any" in condition) return condition.any.some((part) => holds(part, fields))
  const text = fields[condition.field]
  return text !== null && test(condition.pattern, Sources.lower(text))
}

export const of = (fields: ChannelFields): Channel =>
  rules.find(([, condition]) => holds(condition, fields))?.[0] ?? "Direct"
