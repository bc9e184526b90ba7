/**
 * Takes the place of `core/text/CommandName.ts` in the archive, which installs the command `hydracore`.
 *
 * @module
 */

export const hydracore = "hydracore"

export const startDemo = "hydracore demo"
