/**
 * `WritableSites` for tests that have no directory of websites.
 *
 * @module
 */
import { Layer } from "effect"
import { WritableSites } from "../../../src/sites/SiteDirectory.ts"

/** Accepts data of every website. */
export const writable = Layer.succeed(WritableSites, WritableSites.of({ during: (ids, write) => write(ids) }))

/** Treats every website as being deleted. */
export const deleted = Layer.succeed(WritableSites, WritableSites.of({ during: (_, write) => write(new Set()) }))
