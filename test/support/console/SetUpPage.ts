/** The settings of a website in the console, on the page that tests share. */
import type { Site } from "../../../src/sites/Site.ts"
import * as ConsolePage from "./ConsolePage.ts"

export const sections = [
  "install",
  "problems",
  "website",
  "goals",
  "forms",
  "mails",
  "webhooks",
  "assistants",
  "keys",
  "data"
] as const

/** A loaded section, on the page that tests share. */
export const show = (site: Site, section: (typeof sections)[number], look?: ConsolePage.Look) =>
  ConsolePage.show(`#/${site.websiteConfigId}/setup/${section}`, look)
