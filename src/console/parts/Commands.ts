/**
 * Commands that do what buttons of several pages do.
 *
 * @module
 */

/** Connects an assistant. */
export const connect = (siteId: string): string =>
  `hydracore instance create --site ${siteId} --name Assistant --agent-url https://agent.example.com/v1`
