/**
 * Builds `dist`: the service as one program with its files. The program needs no packages except the optional ones: the
 * demo's PostgreSQL, and the country database. `node scripts/build.ts [--out FOLDER]`.
 *
 * Each module's `import.meta.url` is where its source would be in a tree like `src`, so that a module finds its files in `src` and
 * in `dist`.
 *
 * @module
 */
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import http from "node:http"
import path from "node:path"
import { parseArgs } from "node:util"
import { build, type Plugin, stop } from "esbuild"
import manifest from "../package.json" with { type: "json" }
import * as Licences from "./build/Licences.ts"
import * as Built from "./built.mjs"

const root = path.resolve(import.meta.dirname, "..")
const source = path.join(root, "src")

const { values } = parseArgs({ options: { out: { type: "string", default: path.join(root, "dist") } } })
/** Absolute, because the bundler resolves paths from the root, and Node from the current folder. */
const out = path.resolve(values.out)

/** Gives each module the `import.meta.url` of its source. */
const placed: Plugin = {
  name: "placed",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]src[\\/].*\.[jt]s$/ }, async (args) => {
      const place = `./${path.relative(source, args.path).replaceAll(path.sep, "/")}`
      return {
        loader: "ts",
        contents: (await readFile(args.path, "utf8")).replaceAll(
          "import.meta.url",
          `new URL(${JSON.stringify(place)}, import.meta.url).href`
        )
      }
    })
}

/**
 * Names the exports of `@effect/platform-node/Undici`, which re-exports a CommonJS package by `export *`: esbuild leaves such
 * exports out when a module is imported dynamically.
 */
const named: Plugin = {
  name: "named",
  setup: ({ onLoad }) =>
    onLoad({ filter: /[\\/]platform-node[\\/]dist[\\/]Undici\.js$/ }, async () => {
      const names = Object.keys(await import("@effect/platform-node/Undici")).filter((name) =>
        /^(?!default$)\w+$/.test(name)
      )
      return {
        contents: `import Undici from "undici"\nexport default Undici\nexport const { ${names.join(", ")} } = Undici`
      }
    })
}

/**
 * Imports `node:http` without its `WebSocket`, `CloseEvent` and `MessageEvent`, which the sources do not use. An import of the
 * module reads all of its properties, and for these three Node loads its own HTTP client, which takes a tenth of the time of
 * a start.
 */
const lean: Plugin = {
  name: "lean",
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === "import-statement" ? { path: "http", namespace: "lean" } : undefined
    )
    onLoad({ filter: /^http$/, namespace: "lean" }, () => {
      const names = Object.keys(http).filter((name) => !/^(?:WebSocket|CloseEvent|MessageEvent)$/.test(name))
      return {
        contents: `const http = process.getBuiltinModule("node:http")\nexport default http\nexport const { ${names.join(", ")} } = http`
      }
    })
  }
}

/**
 * The optional packages that the program uses: a clone also installs the Node that runs it. Their versions are exact, because the
 * archive has no lock file.
 */
const optionalPackages = Object.fromEntries(
  Object.entries(manifest.optionalDependencies).filter(([name]) => !name.startsWith("node-"))
)

/** The manifest of the archive. */
const archiveManifest = {
  name: manifest.name,
  version: manifest.version,
  description: manifest.description,
  license: manifest.license,
  type: "module",
  engines: manifest.engines,
  bin: { hydracore: "main.js", [manifest.name]: "main.js" },
  optionalDependencies: optionalPackages
}

const readme = `# HydraCore Edge ${manifest.version}

- \`npx hydracore demo\` tries it, with a database of its own.
- \`npx hydracore migrate\` and \`npx hydracore serve\` run it on the PostgreSQL of \`DATABASE_URL\`.
- \`deploy\` has files for operators, such as the unit of systemd, and \`container\` those of the image.
- The guides are in \`docs\`, and at \`/docs\` of the running service.
`

await Built.update()
await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [path.join(source, "main.js")],
  outbase: source,
  outdir: out,
  // In the same folder as `main.js`, since the URLs of `placed` are relative to this folder.
  chunkNames: "[name]-[hash]",
  bundle: true,
  // What is loaded later, such as the Redis client, stays in files of its own.
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node22.19",
  // Without short names, which would make stack traces unreadable.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  define: { ARCHIVE: "true" },
  charset: "utf8",
  // CommonJS packages load Node's modules by `require`.
  banner: {
    js: 'import { createRequire as createRequireOfBuild } from "node:module"; const require = createRequireOfBuild(import.meta.url);'
  },
  plugins: [placed, named, lean],
  metafile: true,
  logLevel: "warning"
})
await stop()
await cp(Built.folder, path.join(out, "built"), { recursive: true, filter: (file) => file !== Built.sourcesFile })
// For readers. The service serves the guides from `built`.
await cp(path.join(source, "docs"), path.join(out, "docs"), { recursive: true })
// Files of operators, such as the unit of systemd. No program reads them.
await cp(path.join(root, "scripts/deploy"), path.join(out, "deploy"), { recursive: true })
for (const name of ["Containerfile", "compose.yaml"]) {
  await cp(path.join(root, "scripts/container", name), path.join(out, "container", name))
}
await writeFile(path.join(out, "package.json"), `${JSON.stringify(archiveManifest, null, 2)}\n`)
const bundled = [...Object.keys(metafile.inputs), ...Object.keys(JSON.parse(await readFile(Built.sourcesFile, "utf8")))]
await writeFile(path.join(out, "THIRD-PARTY.txt"), Licences.notices(root, bundled))
await writeFile(path.join(out, "README.md"), readme)
process.stdout.write(`${path.relative(process.cwd(), out) || "."}: run it with node ${path.join(out, "main.js")}\n`)
