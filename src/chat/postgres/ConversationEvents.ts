/**
 * Parts of the SQL statements that change conversations and store the events about the changes.
 *
 * @module
 */

/** The website of an instance, if the website has subscribers. The limit makes the planner use an index. */
export const subscribedOf = (instanceId: string): string => `SELECT website_config_id
  FROM instance JOIN site USING (website_config_id)
  WHERE instance.instance_id = ${instanceId} AND has_subscribers AND site.deleted_at IS NULL LIMIT 1`

/** `FanOut.conversationSubject` in SQL. */
export const subjectOf = (instanceId: string, conversationId: string): string =>
  `${instanceId}::text || ' ' || ${conversationId}`
