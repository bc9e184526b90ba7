/**
 * The tracker's session id, which forms and chats send so that the edge credits them to the visit.
 *
 * @module
 */

/** Returns the id; undefined if there is none, or if it is not made of 1 to 128 word characters, dots and hyphens. */
export const trackerSession = (): string | undefined => {
  try {
    const session = sessionStorage["hydracore"] as string | undefined
    return /^[\w.-]{1,128}$/.exec(session ?? "")?.[0]
  } catch {
    // The browser may deny access to storage.
  }
}
