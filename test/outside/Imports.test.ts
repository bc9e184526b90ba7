/**
 * No test of this folder depends on `src`, neither directly nor through a helper, so that a change of the code cannot change them.
 * `npm run check` refuses direct imports.
 */
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { build, type Plugin } from "esbuild"

const root = path.resolve(import.meta.dirname, "../..")

/** Makes esbuild follow imports of types, which it would drop. */
const withTypes: Plugin = {
  name: "with types",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.tsx?$/ }, ({ path: file }) => ({
      contents: readFileSync(file, "utf8").replace(/^(?:import|export) type [^"=]*\bfrom ("[^"]+")/gm, "import $1"),
      loader: file.endsWith("x") ? "tsx" : "ts"
    }))
  }
}

/** The files that some files of a folder import, also indirectly, each with a chain of imports that leads to it. */
const importsOf = async (
  folder: string,
  files: ReadonlyArray<string>
): Promise<ReadonlyMap<string, ReadonlyArray<string>>> => {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [...files],
    bundle: true,
    format: "esm",
    logLevel: "silent",
    metafile: true,
    outdir: "unused",
    packages: "external",
    platform: "node",
    plugins: [withTypes],
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    write: false
  })
  const found = new Map(files.map((file): [string, ReadonlyArray<string>] => [file, [file]]))
  // The loop also visits the entries that it adds.
  for (const [file, chain] of found) {
    for (const { external, path: imported } of metafile.inputs[file]?.imports ?? []) {
      if (external !== true && !found.has(imported)) found.set(imported, [...chain, imported])
    }
  }
  return found
}

it.effect("no test imports src, neither through a helper nor for a type", () =>
  Effect.gen(function* () {
    const files = globSync("test/outside/**/*.{ts,mjs}", { cwd: root })
    assert.isAtLeast(files.length, 5)
    const imports = yield* Effect.promise(() => importsOf(root, files))
    const faults = [...imports.values()].filter(
      (chain) => chain.at(-1)?.startsWith("src/") && !chain.at(-2)?.startsWith("src/")
    )
    assert.deepStrictEqual(
      faults.map((chain) => chain.join(" imports ")),
      []
    )
  })
)

it.effect("an import through a helper is found, also if it only imports a type or re-exports one", () =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-imports-"))),
      (made) => Effect.sync(() => rmSync(made, { recursive: true }))
    )
    const texts = {
      "a.ts": 'import { assert } from "@effect/vitest"\nimport { b } from "./b.ts"\nassert.isDefined(b)\n',
      "b.ts": 'export type { D } from "./d.ts"\nimport type {\n  C\n} from "./c.ts"\nexport const b: C = 1\n',
      "c.ts": 'import { type E } from "./e.ts"\nexport type C = number | E\n',
      "d.ts": "export type D = string\n",
      "e.ts": "export type E = string\n",
      "f.ts": "export const f = 1\n"
    }
    for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(folder, name), text)
    const imports = yield* Effect.promise(() => importsOf(folder, ["a.ts"]))
    assert.sameMembers([...imports.keys()], ["a.ts", "b.ts", "c.ts", "d.ts", "e.ts"])
    assert.deepStrictEqual(imports.get("e.ts"), ["a.ts", "b.ts", "c.ts", "e.ts"])
  })
)
