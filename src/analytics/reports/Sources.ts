/**
 * The search engines, networks, shops, assistants and mail services from which visits come. Each has one name, whatever host or
 * campaign parameter a visit was counted with. `Channel` derives its patterns from this list. The console loads it too. Pure.
 *
 * The patterns are data, so that databases can apply them too: each means the same in JavaScript, PostgreSQL and ClickHouse, and
 * is matched with a text whose ASCII letters are in lower case.
 *
 * @module
 */
import { memoize } from "../../platform/text/Memo.ts"

export type Kind = "search" | "social" | "video" | "shopping" | "assistant" | "mail"

export interface Source {
  readonly name: string
  readonly kind: Kind
  /** How a `utm_source` spells it, in lower case. */
  readonly words: ReadonlyArray<string>
  /** Its hosts. Their subdomains belong to it too. */
  readonly hosts: ReadonlyArray<string>
  /** Its domain without the country's ending, if it has one for each country, as in `google.co.uk`. */
  readonly domain?: string
}

const search = (name: string, domain: string, ...words: ReadonlyArray<string>): Source => ({
  ...{ name, kind: "search", words: [domain, ...words], hosts: [], domain }
})

const list =
  (kind: Kind) =>
  (name: string, words: ReadonlyArray<string>, ...hosts: ReadonlyArray<string>): Source => ({
    ...{ name, kind, words, hosts }
  })

const social = list("social")
const video = list("video")
const shopping = list("shopping")
const assistant = list("assistant")
const mail = list("mail")

export const sources: ReadonlyArray<Source> = [
  search("Google", "google", "adwords"),
  search("Bing", "bing"),
  search("DuckDuckGo", "duckduckgo", "ddg"),
  search("Ecosia", "ecosia"),
  search("Yahoo", "yahoo"),
  search("Yandex", "yandex"),
  search("Baidu", "baidu"),
  search("Qwant", "qwant"),
  search("Startpage", "startpage"),
  search("Ask", "ask"),
  search("AOL", "aol"),
  search("Naver", "naver"),
  search("Seznam", "seznam"),
  search("Sogou", "sogou"),
  search("Kagi", "kagi"),
  search("Mojeek", "mojeek"),
  search("Swisscows", "swisscows"),
  { name: "Brave", kind: "search", words: ["brave"], hosts: ["search.brave.com"] },

  social("Facebook", ["facebook", "fb"], "facebook.com", "fb.me"),
  social("Instagram", ["instagram", "ig"], "instagram.com"),
  social("X", ["twitter", "x"], "twitter.com", "x.com", "t.co"),
  social("LinkedIn", ["linkedin"], "linkedin.com", "lnkd.in"),
  social("Reddit", ["reddit"], "reddit.com"),
  social("Pinterest", ["pinterest"], "pinterest.com", "pin.it"),
  social("TikTok", ["tiktok"], "tiktok.com"),
  social("Mastodon", ["mastodon"], "mastodon.social"),
  social("Bluesky", ["bluesky"], "bsky.app"),
  social("Threads", ["threads"], "threads.net", "threads.com"),
  social("Snapchat", ["snapchat"], "snapchat.com"),
  social("WhatsApp", ["whatsapp"], "whatsapp.com", "wa.me"),
  social("Telegram", ["telegram"], "t.me", "telegram.org"),
  social("Discord", ["discord"], "discord.com"),
  social("Quora", ["quora"], "quora.com"),
  social("Tumblr", ["tumblr"], "tumblr.com"),
  social("VK", ["vk"], "vk.com"),
  social("Xing", ["xing"], "xing.com"),
  social("Weibo", ["weibo"], "weibo.com"),
  social("Hacker News", ["hacker news", "hackernews"], "news.ycombinator.com"),
  social("Lobsters", [], "lobste.rs"),
  social("Nextdoor", [], "nextdoor.com"),
  social("Slack", [], "slack.com"),

  video("YouTube", ["youtube", "yt"], "youtube.com", "youtu.be"),
  video("Vimeo", ["vimeo"], "vimeo.com"),
  video("Twitch", ["twitch"], "twitch.tv"),
  video("Dailymotion", ["dailymotion"], "dailymotion.com"),
  video("Netflix", [], "netflix.com"),

  { name: "Amazon", kind: "shopping", words: ["amazon"], hosts: [], domain: "amazon" },
  { name: "eBay", kind: "shopping", words: ["ebay"], hosts: [], domain: "ebay" },
  shopping("Etsy", ["etsy"], "etsy.com"),
  shopping("Shopify", ["shopify"], "shopify.com"),
  shopping("AliExpress", ["aliexpress"], "aliexpress.com"),
  shopping("Walmart", ["walmart"], "walmart.com"),
  shopping("idealo", ["idealo"], "idealo.de"),
  shopping("Google Shopping", [], "shopping.google.com"),

  assistant("ChatGPT", ["chatgpt", "openai"], "chatgpt.com", "chat.openai.com"),
  assistant("Claude", ["claude"], "claude.ai"),
  assistant("Perplexity", ["perplexity"], "perplexity.ai"),
  assistant("Gemini", ["gemini"], "gemini.google.com"),
  assistant("Copilot", ["copilot"], "copilot.microsoft.com"),
  assistant("Mistral", ["mistral"], "chat.mistral.ai"),
  assistant("DeepSeek", ["deepseek"], "chat.deepseek.com"),
  assistant("Grok", ["grok"], "grok.com"),
  assistant("You.com", [], "you.com"),
  assistant("Phind", [], "phind.com"),
  assistant("Meta AI", [], "meta.ai"),
  assistant("Poe", [], "poe.com"),

  mail("Gmail", ["gmail"], "mail.google.com"),
  mail("Yahoo Mail", [], "mail.yahoo.com"),
  mail("Outlook", [], "outlook.live.com", "outlook.office.com"),
  mail("Proton Mail", [], "mail.proton.me"),
  mail("GMX", [], "gmx.net"),
  mail("WEB.DE", [], "web.de"),
  mail("Mailchimp", ["mailchimp"])
]

/** The sources of a kind. */
export const ofKind = (kind: Kind): ReadonlyArray<Source> => sources.filter((source) => source.kind === kind)

const escaped = (hosts: ReadonlyArray<string>): string => hosts.join("|").replaceAll(".", "\\.")

const endsWithHost = (hosts: ReadonlyArray<string>): string => `(?:^|\\.)(${escaped(hosts)})$`

const hasDomain = (domains: ReadonlyArray<string>): string =>
  `^(?:(?:www|m|search|[a-z]+\\.search)\\.)?(${domains.join("|")})\\.[a-z]{2,3}(?:\\.[a-z]{2})?$`

const partsOf = (some: ReadonlyArray<Source>) => ({
  words: some.flatMap(({ words }) => words),
  hosts: some.flatMap(({ hosts }) => hosts),
  domains: some.flatMap(({ domain }) => domain ?? [])
})

/** A pattern of texts in lower case that mean one of some sources: a word, or a host. */
export const pattern = (some: ReadonlyArray<Source>): string => {
  const { domains, hosts, words } = partsOf(some)
  return [
    ...(words.length === 0 ? [] : [`^(${words.join("|")})$`]),
    ...(hosts.length === 0 ? [] : [endsWithHost(hosts)]),
    ...(domains.length === 0 ? [] : [hasDomain(domains)])
  ].join("|")
}

/** A text whose ASCII letters are in lower case. */
export const lower = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

const every = partsOf(sources)

/**
 * How a name is found: of the text in lower case without what matches `omitted`, the group of the first of `patterns` that
 * matches, or else the text itself, is a key of `names`. A text without a key is its own name, without what matches `omitted`.
 */
export const patterns = [endsWithHost(every.hosts), hasDomain(every.domains)] as const

/**
 * A text that matches one of `patterns` ends with two of the parts `hosts`, or has one of `domains` before its last one or two parts.
 * Parts are separated by dots. This is much cheaper to check.
 */
export const endings = {
  hosts: [...new Set(every.hosts.map((host) => host.split(".").slice(-2).join(".")))],
  domains: every.domains
} as const

export const omitted = "^(www\\.)+"

export const names: ReadonlyMap<string, string> = new Map(
  sources.flatMap(({ domain, hosts, name, words }) =>
    [...words, ...hosts, ...(domain === undefined ? [] : [domain])].map((key) => [key, name] as const)
  )
)

const compiled = patterns.map((text) => new RegExp(text))
const prefix = new RegExp(omitted)

/** The name of a source, given a `utm_source` or the host of a referrer. */
export const nameOf: (text: string) => string = memoize((text: string) => {
  const key = lower(text).replace(prefix, "")
  const matched = compiled.map((expression) => expression.exec(key)?.[1]).find((group) => group !== undefined)
  return names.get(matched ?? key) ?? text.replace(prefix, "")
}, 10_000)
