/**
 * Takes the place of `platform/text/CommandName.ts` in the archive, which installs the command `hydracore`.
 *
 * @module
 */

export const hydracore = "hydracore"

export const startDemo = "hydracore demo"
