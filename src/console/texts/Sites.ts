/**
 * Texts of the list of websites.
 *
 * @module
 */
export const sites = {
  title: "Websites",
  note: "Visitors of yesterday, compared with the day before. What needs somebody comes first.",
  visitors: "visitors yesterday",
  heads: { name: "Website", visitors: "Visitors", change: "Change" },
  unread: (count: number): string => (count === 1 ? "1 new lead" : `${count} new leads`),
  waiting: (count: number): string => `${count} unanswered`,
  problems: {
    agent_failed: "Assistant fails",
    webhook_disabled: "Webhook disabled",
    webhook_failing: "Webhook fails",
    mail_failing: "Mails fail",
    tag_silent: "Tag not seen",
    origin_refused: "Origin refused",
    form_rules_refuse: "Form refuses many",
    tokens_used_up: "Tokens used up",
    limit_reached: "Limit reached"
  },
  moreProblems: (count: number): string => `and ${count} more`,
  seen: (time: string): string => `Tag seen ${time}`,
  neverSeen: "Tag not seen yet",
  noStatistics: "The statistics cannot be read now",
  find: "Find a website",
  noMatch: "No website has this text in its name or its origins.",
  more: "Show more",
  all: "All websites",
  one: "Website",
  typeForMore: "Type to find more websites",
  searching: "Searching…",
  searchFailed: "The websites could not be searched. Type again to repeat it.",
  create: "New website"
} as const

/** What a person who may create websites sees while there is none. */
export const firstSite = {
  title: "Create your first website",
  body: "A website has a name, its own ids, and a tag that counts its page views.",
  command: 'hydracore site create --name "My website"',
  after: "It prints the tag that counts page views."
} as const

/** What others see whose session includes no website. */
export const noSites = {
  title: "No website to show",
  body: "Your session includes no website: there is none yet, or it was deleted. Ask an owner for a link to another."
} as const
