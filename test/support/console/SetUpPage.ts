/** The settings of a website in the console, opened by a person with a session. */
import { Effect } from "effect"
import type { Site } from "../../../src/core/sites/Site.ts"
import * as ConsolePage from "./ConsolePage.ts"

export const sections = [
  "install",
  "website",
  "goals",
  "forms",
  "mails",
  "webhooks",
  "assistants",
  "keys",
  "data"
] as const

/** A person with a session, on a loaded section. */
export const open = (
  site: Site,
  section: (typeof sections)[number],
  options?: Parameters<typeof ConsolePage.open>[1]
) => Effect.tap(ConsolePage.open(`#/${site.websiteConfigId}/setup/${section}`, options), ({ loaded }) => loaded)

/** A loaded section, on the page that tests share. */
export const show = (site: Site, section: (typeof sections)[number]) =>
  Effect.tap(ConsolePage.show(`#/${site.websiteConfigId}/setup/${section}`), ({ loaded }) => loaded)
