/**
 * Websites for tests without a directory of websites.
 *
 * @module
 */
import { Layer } from "effect"
import { WritableSites } from "../../../src/services/sites/WritableSites.ts"

/** Every website may get data. */
export const writable = Layer.succeed(WritableSites, WritableSites.of({ during: (ids, write) => write(ids) }))

/** Every website is being deleted. */
export const deleted = Layer.succeed(WritableSites, WritableSites.of({ during: (_, write) => write(new Set()) }))
