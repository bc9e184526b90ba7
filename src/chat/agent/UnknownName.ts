/**
 * The name of an event or of a type of content that is not of an agent's protocol, for the log. Pure.
 *
 * @module
 */

const shape = /^[A-Za-z][A-Za-z0-9_.:+/-]{0,63}$/

/** The name, if it looks like one. Any other text could be a visitor's. */
export const clean = (name: string): string => (shape.test(name) ? name : "without a name")
