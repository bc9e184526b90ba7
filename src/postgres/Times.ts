/**
 * SQL that reads times from columns, in milliseconds since 1970. Pure.
 *
 * @module
 */

/** The value of a `timestamptz` column in milliseconds, rounded down. */
export const millis = (column: string): string => `floor(extract(epoch FROM ${column}) * 1000)::float8`

/** `millis`, as an output column of a query. */
export const millisAs = (column: string, name: string): string => `${millis(column)} AS "${name}"`
