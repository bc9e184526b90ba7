/**
 * Literals in ClickHouse's SQL. Pure.
 *
 * @module
 */

/** A text as a literal in a statement. */
export const quoted = (text: string): string => `'${text.replace(/['\\]/g, (character) => `\\${character}`)}'`
