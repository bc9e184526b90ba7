/**
 * Texts of the list of websites.
 *
 * @module
 */
export const sites = {
  title: "Websites",
  note: "Visitors of the last 30 days",
  find: "Find a website",
  noMatch: "No website has this name.",
  all: "All websites",
  create: "New website"
} as const

export const noSites = {
  title: "Create your first website",
  body: "A website has a name and its own ids. Create one here if your session includes all websites, or on the server:",
  command: 'hydracore site create --name "My website"',
  after: "It prints the tag that counts page views."
} as const
