/**
 * The bundler of the scripts that browsers load, and their compression. No other module imports esbuild: the archive of
 * `npm run build` has the results that `scripts/build` recorded in place of this module.
 *
 * @module
 */
export { type BuildOptions, build, type Metafile, type Plugin, stop } from "esbuild"
export { compress } from "./Compression.ts"
