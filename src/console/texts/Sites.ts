/**
 * Texts of the list of websites.
 *
 * @module
 */
export const sites = {
  title: "Websites",
  note: "Visitors of the last 30 days",
  find: "Find a website",
  noMatch: "No website has this text in its name or its origins.",
  more: "Show more",
  all: "All websites",
  create: "New website"
} as const

/** What a person who may create websites sees while there is none. */
export const firstSite = {
  title: "Create your first website",
  body: "A website has a name and its own ids. Create one here, or on the server:",
  command: 'hydracore site create --name "My website"',
  after: "It prints the tag that counts page views."
} as const

/** What others see whose session includes no website. */
export const noSites = {
  title: "No website to show",
  body: "Your session includes no website: there is none yet, or it was deleted. Ask an owner for a link to another."
} as const
