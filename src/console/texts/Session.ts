/**
 * Texts of signing in and out.
 *
 * @module
 */
export const signedOut = {
  title: "Open the console with a link",
  body: "The console has no passwords. A link opens it once, for the websites that the link was created for. Create one on the server:",
  command: "hydracore console link",
  after: "It prints an address. Open that address in this browser."
} as const

export const ended = {
  title: "Your session has ended",
  why: "A session ends 12 hours after its last use, 30 days after it was opened, or when an owner or the operator ends it.",
  how: "An owner can send you a new link, under Sharing. Or create one on the server:",
  kept: "Open the link in another tab of this browser. This tab then continues where it was, with what you have typed.",
  resume: "Continue",
  still: "This browser has no session yet. Open a link first."
} as const

export const link = {
  title: "Open the console",
  body: "Open it only if you expected this link, which works once. After that, this browser stays signed in until 12 hours after its last use, for 30 days at most.",
  name: "Opens the session",
  allSites: "All, also later ones",
  ends: "Ends in this browser",
  endsNone: "No session is open",
  open: "Open the console",
  spent: "This link has been used or has expired",
  spentBody: "A link opens the console once. Create a new one on the server:"
} as const

export const session = {
  label: "Session",
  roles: { owner: "Owner", viewer: "Viewer" },
  ends: (time: string): string => `Signed in until ${time}`,
  end: "Sign out"
} as const
