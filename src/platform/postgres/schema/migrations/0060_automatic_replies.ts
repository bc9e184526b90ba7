/**
 * The automatic replies that the limit of a website counts. Those that a limit refused, of which a flood of one form makes many, are not
 * read any more. The new index is built before the old one is dropped, because that locks the table until the commit.
 *
 * @module
 */
import { statements } from "../Statements.ts"

export default statements(
  `CREATE INDEX reply_automatic_counted ON reply (website_config_id, created_at)
    WHERE subject IS NOT NULL AND (status <> 'failed' OR attempts > 0)`,
  "DROP INDEX reply_automatic_time"
)
