/**
 * Bundles and compresses the files that websites load (`src/browser`), once per process. This takes about 0.3 s, of which the
 * main thread is busy for 0.1 s: the rest is in other threads and in esbuild's own process.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { type BuildOptions, build, compress, type Plugin, stop } from "./Esbuild.ts"
import * as StaticContent from "./StaticContent.ts"

/** The files that websites load: scripts, and the style sheet of forms. */
export const names = ["embed", "events", "forms", "forms-faults", "forms-style", "chat", "chat-panel"] as const

export type Name = (typeof names)[number]

/** A bundle, or the reason why it could not be built. */
export type Outcome =
  | { readonly _tag: "Made"; readonly bundle: StaticContent.Compressed }
  | { readonly _tag: "Failed"; readonly reason: string }

/** Whether the name is that of a style sheet, not of a script. */
export const isStyle = (name: Name): boolean => name === "forms-style"

/** The name of the file of the current version, or of the version with `hash`. */
export const fileName = (name: Name, hash?: string): string => {
  const version = hash === undefined ? "" : `.${hash}`
  return isStyle(name) ? `forms${version}.css` : `${name}${version}.js`
}

/** Brotli's best quality, because the bundles are small. */
const quality = 11

const make = async (name: Name, options: BuildOptions): Promise<Outcome> => {
  try {
    const { outputFiles = [] } = await build({
      entryPoints: [
        fileURLToPath(new URL(`../browser/${isStyle(name) ? "forms.css" : `${name}.ts`}`, import.meta.url))
      ],
      bundle: true,
      minify: true,
      write: false,
      charset: "utf8",
      target: "es2021",
      logLevel: "silent",
      // Ignores tsconfig.json: all settings are here, and tsc checks the types.
      tsconfigRaw: "{}",
      ...options
    })
    return { _tag: "Made", bundle: await StaticContent.make(outputFiles[0]!.contents, quality, compress) }
  } catch (error) {
    return { _tag: "Failed", reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Properties whose names are shortened in the chat's panel, which saves 440 bytes gzipped: those of the Markdown parser and of
 * the chat's own parts. No property may have one of these names in the browser's objects, in stored or sent data, in what
 * `chat.js` uses, or in a website's settings.
 */
const mangledProps = new RegExp(
  `^(${[
    "token|tokens|len|pending|spaces|indent|indent_len|blockquote_idx|fence_start|fence_end|hr_char|hr_chars|table_state",
    "renderer|add_token|end_token|add_text|set_attr",
    "conversationId|isCurrent|endpoint|shared|setActivity|addSource|onStart|onSource|onActivity|onRate|stopAtEdge|onConversation|addQuestion|addAnswer|removeAnswer|transcript|speech|setUnread|setBusy",
    "renderNext|address|isOpen|relabel|onToggle|onRetry|scrollToEnd|strings|instance|elements|onText|onSend|onStop|onNew|region|reset|flush|dispose",
    "panel|input|say|slot|script|base|page|write|end"
  ].join("|")})$`
)

/** Properties whose names are shortened in the form enhancer, which saves 50 bytes gzipped. */
const mangledFormProps = /^(attempts|submittedAt|cancelRetry|isBusy|shownAt|submissionId|typed|pending)$/

/**
 * Minifies the chat's style sheets, which are strings in its scripts: removes line breaks, and shortens custom properties to
 * their first letter, except those with the prefix `--hydracore-`, which websites set.
 */
const minifyStyle: Plugin = {
  name: "style",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\bchat[\\/](Launcher)?Style\.ts$/ }, async ({ path }) => ({
      loader: "ts",
      contents: (await readFile(path, "utf8"))
        .replaceAll(/(?<=[;}])\n+/g, "")
        .replaceAll(/(?<=\W--)(?!hydracore-)(\w)[\w-]*/g, "$1")
    }))
}

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs the uses of esbuild one after another, and ends esbuild's process after each. If they ran at the same time, they would
 * share the process, and the end of one would break the others.
 */
export const inTurn = <A>(use: () => Promise<A>): Promise<A> => {
  const result = last.then(use).finally(stop)
  last = result.catch(() => {})
  return result
}

const makeAll = async (): Promise<Readonly<Record<Name, Outcome>>> => {
  const [events, faults, style, panel] = await Promise.all([
    make("events", { format: "esm" }),
    make("forms-faults", { format: "esm" }),
    make("forms-style", { target: ["chrome99", "firefox101", "safari16.4"] }),
    // `pure` removes the Markdown parser's assertions. The banner is the notice that the parser's licence requires, which
    // minifying would remove.
    make("chat-panel", {
      format: "esm",
      target: "es2022",
      pure: ["console.assert"],
      mangleProps: mangledProps,
      plugins: [minifyStyle],
      banner: { js: "/*! streaming-markdown: MIT */" }
    })
  ])
  // A script names its other parts with their hashes. A part that could not be bundled is named without one.
  const fileOf = (name: Name, outcome: Outcome): string =>
    JSON.stringify(fileName(name, outcome._tag === "Made" ? outcome.bundle.hash : undefined))
  const forms = await make("forms", {
    format: "esm",
    mangleProps: mangledFormProps,
    define: { FAULTS_FILE: fileOf("forms-faults", faults), STYLE_FILE: fileOf("forms-style", style) }
  })
  const [embed, chat] = await Promise.all([
    make("embed", {
      format: "iife",
      define: { EVENTS_FILE: fileOf("events", events), FORMS_FILE: fileOf("forms", forms) }
    }),
    // Not `esm`, so that the script also runs if its tag lacks `type="module"`, and can warn the page's owner.
    make("chat", {
      format: "iife",
      target: "es2022",
      plugins: [minifyStyle],
      define: { PANEL_FILE: fileOf("chat-panel", panel) }
    })
  ])
  return { embed, events, forms, "forms-faults": faults, "forms-style": style, chat, "chat-panel": panel }
}

let made: Promise<Readonly<Record<Name, Outcome>>> | undefined

/** The bundles of this process, built once. If one fails, the next call builds them again. Never rejects. */
export const all = (): Promise<Readonly<Record<Name, Outcome>>> => {
  made ??= inTurn(makeAll).then((outcomes) => {
    if (names.some((name) => outcomes[name]._tag === "Failed")) made = undefined
    return outcomes
  })
  return made
}
