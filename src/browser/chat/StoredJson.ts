/**
 * The stored conversation of an instance as JSON, in `sessionStorage`.
 *
 * @module
 */

/** The key of an instance's conversation in `sessionStorage`, and the name of the channel between tabs. */
export const nameOf = (instance: string): string => `hydracore-chat:${instance}`

/** Returns the stored JSON, or null. */
export const loadJson = (instance: string): string | null => {
  try {
    return sessionStorage.getItem(nameOf(instance))
  } catch {
    return null
  }
}
