/**
 * The limits of an event and the name that it cannot have, for the contract, which browsers import.
 *
 * @module
 */

/** Lengths are in Unicode code points. The limits of properties are Plausible's. */
export const limits = { name: 120, properties: 30, propertyName: 300, propertyValue: 2_000, amount: 1e12 } as const

/** The `event:name` of page views in reports, which no event may have. */
export const pageviewName = "pageview"
