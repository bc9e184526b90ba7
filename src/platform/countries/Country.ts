/**
 * The country of a client, as two capital letters of ISO 3166-1. Pure: the record of a country database is an argument.
 *
 * @module
 */
import { Predicate } from "effect"

/** Codes that proxies and databases use for an unknown country. */
const unknown = new Set(["XX", "ZZ"])

/** Parses a country code in upper or lower case; null for any other text, and for the codes of an unknown country. */
export const parse = (text: string | undefined): string | null => {
  if (text === undefined || !/^[a-z]{2}$/i.test(text)) return null
  const code = text.toUpperCase()
  return unknown.has(code) ? null : code
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

/**
 * The country of a record in a MaxMind database, whose shape depends on the vendor: `country.iso_code` (GeoLite2, DB-IP),
 * `country_code` (ip-location-db, IPinfo) or a text `country` (IPinfo's older files). Null if it has none.
 */
export const ofRecord = (record: unknown): string | null => {
  if (!Predicate.isObject(record)) return null
  const { country, country_code } = record as Record<string, unknown>
  return (
    parse(textOf(country_code)) ??
    parse(textOf(country)) ??
    (Predicate.isObject(country) ? parse(textOf((country as Record<string, unknown>)["iso_code"])) : null)
  )
}

/** Removes the prefix `::ffff:`, which IPv4 addresses have on a dual-stack socket and not in databases. */
export const withoutMapping = (address: string): string =>
  address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address
