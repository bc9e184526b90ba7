/**
 * Texts of what was not counted. They are loaded with that part of the overview.
 *
 * @module
 */
export const notCounted = {
  title: "Not counted, and why",
  note: "Requests of the last seven days",
  reasons: {
    bot: ["Bots", "Search engines and other programs. There is nothing to do."],
    "referrer-spam": ["Referrer spam", "Visits that only advertise an address. There is nothing to do."],
    "foreign-origin": ["Pages of other origins", "If one of them is yours, add its origin in Set up, under Website."],
    limited: [
      "Over the rate limit",
      "One address sent too many requests. If it is that of your proxy, add it to TRUSTED_PROXIES."
    ],
    quarantined: [
      "Suspected spam",
      "These submissions wait in the inbox under Quarantine, until you release or delete them."
    ],
    "form-rule": [
      "Refused by your rules",
      "What was entered breaks a rule of its form, and the visitor reads what to correct. The rules are in Set up, under Forms."
    ],
    invalid: [
      "Not valid",
      "A page or program sends what the service does not understand. The response says what is wrong."
    ],
    "unknown-site": ["Unknown website", "A tag names an id that does not exist. Paste the tag of this website again."],
    unavailable: ["Not stored", "The database did not answer. The service’s log says why."]
  }
} as const
