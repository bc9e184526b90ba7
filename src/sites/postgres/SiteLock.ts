/**
 * Locks the rows of websites, so that all processes together create at most as many as a maximum allows. Page views, submissions
 * and chats do not wait for this lock.
 *
 * @module
 */
import * as RowLock from "../../platform/postgres/RowLock.ts"

export const make = RowLock.make("site", "website_config_id")
