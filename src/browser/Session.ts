/**
 * The session id of the tracker, for what is credited to the visit.
 *
 * @module
 */

/** The id, or undefined if the tracker has none, or one that no header can hold. */
export const trackerSession = (): string | undefined => {
  try {
    const session = sessionStorage["hydracore"] as string | undefined
    return /^[\w.-]{1,128}$/.exec(session ?? "")?.[0]
  } catch {
    // Storage can be denied.
  }
}
