/**
 * How the command line is called.
 *
 * @module
 */

/** Defined in the program of `npm run build`, which has a command of its own. */
declare const ARCHIVE: true | undefined

/** The beginning of every command in messages for the operator. */
export const hydracore = typeof ARCHIVE === "undefined" ? "npm run -s hydracore --" : "hydracore"

/** The command that starts the demo. */
export const startDemo = typeof ARCHIVE === "undefined" ? "npm start" : "hydracore demo"
