/**
 * How the command line is called in a clone of this repository. In the program of `npm run build`, which has a command of its own,
 * `scripts/build/CommandName.ts` replaces this module.
 *
 * @module
 */

/** The beginning of every command in messages for the operator. */
export const hydracore = "npm run -s hydracore --"

/** The command that starts the demo. */
export const startDemo = "npm start"
