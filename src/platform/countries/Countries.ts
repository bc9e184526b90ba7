/**
 * Looks up the country of an IP address. The interface only; see `platform/countries/MaxMindCountries`.
 *
 * @module
 */
import { Context, Schema } from "effect"

/** The file of `GEO_DATABASE` cannot be used. `message` says why, and what to do. */
export class GeoDatabaseUnusable extends Schema.TaggedError<GeoDatabaseUnusable>()("GeoDatabaseUnusable", {
  message: Schema.String
}) {}

export class Countries extends Context.Service<
  Countries,
  {
    /**
     * The country of a client's IP address, as two capital letters; null if the country is unknown or the text is no address.
     * Synchronous and without a cache, so that no address is kept.
     */
    readonly of: (address: string) => string | null
  }
>()("hydracore/platform/countries/Countries") {}
