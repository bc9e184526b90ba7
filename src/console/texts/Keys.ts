/**
 * Texts of keys. They are loaded with the settings.
 *
 * @module
 */

export const title = "Keys"
export const note = "For programs that use the owner API."
export const sharingLink = "To give people access, use Sharing."
export const add = "New key"
export const label = "Label"
export const labelHint = "The program that uses it."
export const unnamed = "Key without a label"
export const scope = "What it may do"
export const scopes = {
  stats: "Read statistics",
  read: "Read everything",
  write: "Read and change everything"
} as const
export const expiry = "Last day"
export const empty =
  "No program has a key. With one, a script or a wall display can read what the console shows: see the guide Owner API."
export const first = "The first 100 are listed. The command `hydracore key list` lists all."
export const secret = "The new key"
export const secretBody = "Save it now: it is not shown again."
export const confirm = "Revoke this key?"
export const confirmBody =
  "The program that uses this key loses access within a second. The keys and the unopened console links that it created stop working too."
export const withOpened = "Also log out people who opened its links, and revoke the keys and links that they created"
