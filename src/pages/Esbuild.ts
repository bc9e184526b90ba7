/**
 * The bundler of the scripts that browsers load, and their compression. No other module imports esbuild. In the archive of
 * `npm run build`, the results that `scripts/build` recorded replace this module.
 *
 * @module
 */
export { type BuildOptions, build, type Metafile, type Plugin, stop } from "esbuild"
export { compress } from "./Compression.ts"
