/**
 * Which fields of a form name its sender, and which one has the message. Pure.
 *
 * Forms name their fields as they like, so a name is compared by its letters: `first_name`, `firstName` and `your-first-name`
 * are the same.
 *
 * @module
 */

const names = {
  whole: ["name", "fullname"],
  first: ["firstname", "givenname", "forename"],
  last: ["lastname", "surname", "familyname"],
  message: ["message", "comment", "comments", "question", "inquiry", "enquiry", "request", "text", "body"]
} as const

type Role = keyof typeof names

const roles = new Map<string, Role>(
  (Object.keys(names) as ReadonlyArray<Role>).flatMap((role) => names[role].map((name) => [name, role] as const))
)

const roleOf = (name: string): Role | undefined =>
  // A longer name is none of these, so that a huge one costs nothing.
  name.length > 40
    ? undefined
    : roles.get(
        name
          .toLowerCase()
          .replace(/[^a-z]/g, "")
          .replace(/^your(?=.)/, "")
      )

/** Whether a field has the sender's name, or a part of it. */
export const isName = (name: string): boolean => {
  const role = roleOf(name)
  return role !== undefined && role !== "message"
}

/** Whether a field has the message. */
export const isMessage = (name: string): boolean => roleOf(name) === "message"

/**
 * The sender's name on one line: that of the field for the whole name, or of those for its parts. Null if the form has none. Of
 * a repeated field, the first value counts.
 */
export const nameIn = (fields: Iterable<readonly [name: string, text: string]>): string | null => {
  const found = new Map<Role, string>()
  for (const [name, text] of fields) {
    const role = roleOf(name)
    const line = text.replace(/\s+/g, " ").trim()
    if (role !== undefined && line !== "" && !found.has(role)) found.set(role, line)
  }
  const parts = [found.get("first"), found.get("last")].filter((part) => part !== undefined)
  return found.get("whole") ?? (parts.length === 0 ? null : parts.join(" "))
}
