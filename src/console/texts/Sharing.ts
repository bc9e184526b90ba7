/**
 * Texts of the page that says who may see a website.
 *
 * @module
 */
export const people = {
  title: "People",
  note: "A link opens the console, once. After that, the browser stays signed in for as long as it is used at least once a month.",
  name: "Name",
  email: "Email address (optional)",
  role: "Role",
  roles: {
    viewer: "Reads everything",
    member: "Reads everything and works in the inbox",
    owner: "Reads and changes everything"
  },
  expiry: "The link is valid for",
  expiries: { "1h": "An hour", "1d": "A day", "3d": "Three days", "7d": "A week" },
  create: "Create a link",
  send: "Send the link",
  sent: (address: string, until: string): string =>
    `The mail server accepted a mail with the link to ${address}. It works once, until ${until}. The address is not stored.`,
  created: (name: string, until: string): string =>
    `Send this link to ${name === "" ? "your colleague" : name}. It works once, until ${until}, and is not shown again.`,
  first: "The first 100 are listed. The command `hydracore console sessions` lists all.",
  nobody: "Nobody else has a link or a session.",
  unnamed: "Without a name",
  you: "You",
  unopened: (time: string): string => `Not opened yet; the link expires ${time}`,
  used: (time: string): string => `Last used ${time}`,
  end: "Remove",
  endOf: (name: string): string => `Remove ${name}`,
  confirm: (name: string): string => `Remove ${name}?`,
  confirmBody:
    "The session ends within a second, or the unopened link stops working. The keys and the unopened links that were created in the session stop working too. People who opened such a link stay signed in, unless you remove them too.",
  withOpened: "Also sign out people who opened links of this session, and revoke the keys and links that they created"
} as const

export const dashboards = {
  title: "Shared dashboards",
  note: "Anyone with the URL can see the overview, and nothing else: no submissions, no conversations. Protected numbers are rounded and hide counts under five; exact ones are those that you see.",
  shows: "Numbers",
  numbers: { protected: "Protected", exact: "Exact" },
  password: "Password (optional)",
  hasPassword: "With a password",
  name: "What it is for",
  expiry: "Last day (optional)",
  create: "Share the dashboard",
  created: "Anyone with this URL can see the statistics. The URL is not shown again.",
  none: "This dashboard is not shared.",
  unnamed: "Without a name",
  since: (time: string): string => `Since ${time}`,
  until: (since: string, time: string): string => `Since ${since}, until ${time}`,
  end: "Stop sharing",
  endOf: (name: string): string => `Stop sharing ${name}`,
  confirm: (name: string): string => `Stop sharing ${name}?`,
  confirmBody: "Its URL stops working within a second."
} as const
