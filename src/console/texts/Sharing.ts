/**
 * Texts of the page that says who may see a website.
 *
 * @module
 */
export const people = {
  title: "People",
  note: "Invite a person by mail: the link in the mail makes the person, who then logs in with the address. A link without an address opens the console once, for anyone who has it.",
  /** Instead of `note`, if the service sends no mail. */
  noteWithoutMail: "A link opens the console once, for anyone who has it.",
  invite: "Invite a person",
  name: "Name",
  email: "Email address",
  role: "Role",
  roles: {
    viewer: "Viewer: reads everything",
    member: "Member: reads everything and works in the inbox",
    owner: "Owner: reads and changes everything"
  },
  expiry: "The link is valid for",
  expiries: { "1h": "An hour", "1d": "A day", "3d": "Three days", "7d": "A week" },
  create: "Create a link",
  send: "Send the link",
  link: "The link",
  sent: (address: string, until: string): string =>
    `The mail server accepted a mail with the link to ${address}. It works once, until ${until}.`,
  created: (name: string, until: string): string =>
    `Send this link to ${name === "" ? "your colleague" : name}. It works once, until ${until}, and is not shown again.`,
  first: "The first 100 are listed. The command `hydracore console sessions` lists all.",
  nobody: "Nobody has logged in with an address yet.",
  links: "Invitations, and sessions without a person",
  noLinks: "There are none.",
  again: "Send again",
  againTo: (address: string): string => `Send the invitation of ${address} again`,
  roleOf: (name: string): string => `Role of ${name}`,
  unconfirmed: "Address not confirmed",
  unnamed: "Without a name",
  you: "You",
  unopened: (time: string): string => `Not opened yet; the link expires ${time}`,
  used: (time: string): string => `Last used ${time}`,
  end: "Remove",
  endOf: (name: string): string => `Remove ${name}`,
  confirm: (name: string): string => `Remove ${name}?`,
  confirmBody:
    "The session ends within a second, or the unopened link stops working. The keys and the unopened links that were created in the session stop working too. People who opened such a link stay logged in, unless you remove them too.",
  withOpened: "Also log out people who opened links of this session, and revoke the keys and links that they created",
  /** Instead of `confirmBody`, for a person. */
  confirmPerson:
    "The person cannot reach this website from the next second on. The keys and the unopened links for it that the person created stop working too."
} as const

export const dashboards = {
  title: "Shared dashboards",
  note: "Anyone with the URL can see the overview, and nothing else: no submissions, no conversations. Protected numbers are rounded and hide counts under five; exact ones are those that you see.",
  shows: "Numbers",
  numbers: { protected: "Protected", exact: "Exact" },
  password: "Password",
  passwordHint: "At least 8 characters. Everyone with the URL is asked for it once.",
  hasPassword: "With a password",
  name: "What it is for",
  expiry: "Last day",
  share: "Share the dashboard",
  create: "Create the URL",
  url: "The URL of the dashboard",
  created: "Anyone with this URL can see the statistics. The URL is not shown again.",
  createdWithPassword: "Anyone with this URL and the password can see the statistics. The URL is not shown again.",
  none: "This dashboard is not shared.",
  unnamed: "Without a name",
  since: (time: string): string => `Since ${time}`,
  until: (since: string, time: string): string => `Since ${since}, until ${time}`,
  end: "Stop sharing",
  endOf: (name: string): string => `Stop sharing ${name}`,
  confirm: (name: string): string => `Stop sharing ${name}?`,
  confirmBody: "Its URL stops working within a second."
} as const
