/**
 * The tracker's session id, which forms and chats send so that they are credited to the visit.
 *
 * @module
 */

/** The id; undefined without one, or if a header cannot hold it. */
export const trackerSession = (): string | undefined => {
  try {
    const session = sessionStorage["hydracore"] as string | undefined
    return /^[\w.-]{1,128}$/.exec(session ?? "")?.[0]
  } catch {
    // The browser may deny access to storage.
  }
}
