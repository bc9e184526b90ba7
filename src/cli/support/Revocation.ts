/**
 * Says what a revocation of a key or a session leaves valid. Pure.
 *
 * @module
 */
import type { Remaining } from "../../sites/access/Credential.ts"

const counted = (count: number, one: string, many: string): ReadonlyArray<string> =>
  count === 0 ? [] : [count === 1 ? `1 ${one}` : `${count} ${many}`]

/** What remains valid, and the command that ends it; empty if nothing remains. */
export const remainingText = ({ keys, sessions }: Remaining, command: string): string => {
  const parts = [...counted(sessions, "session or link", "sessions and links"), ...counted(keys, "key", "keys")]
  if (parts.length === 0) return ""
  return `Still valid, because they come from links that were opened: ${parts.join(", and ")}. \`hydracore ${command} --with-opened\` ends them too.\n`
}
