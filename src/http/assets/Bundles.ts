/**
 * Bundles what websites load (`src/browser`) and compresses it, once in the life of a process: its sources do not change
 * meanwhile. It takes some tens of milliseconds, most of them in other threads and in esbuild's own process.
 *
 * @module
 */
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { type BuildOptions, build, type Plugin, stop } from "esbuild"
import * as StaticContent from "./StaticContent.ts"

/** The scripts, by the names under which they are served. */
export const names = ["embed", "forms", "chat"] as const

export type Name = (typeof names)[number]

/** A bundle, or why it could not be made. */
export type Outcome =
  | { readonly _tag: "Made"; readonly bundle: StaticContent.Compressed }
  | { readonly _tag: "Failed"; readonly reason: string }

/** The name of a version's file. */
export const hashedName = (name: Name, hash: string): string => `${name}.${hash}.js`

/** Brotli's best: the bundles are small. */
const quality = 11

const make = async (name: Name, options: BuildOptions): Promise<Outcome> => {
  try {
    const { outputFiles = [] } = await build({
      entryPoints: [fileURLToPath(new URL(`../../browser/${name}.ts`, import.meta.url))],
      bundle: true,
      minify: true,
      write: false,
      charset: "utf8",
      target: "es2021",
      logLevel: "silent",
      // Types are checked elsewhere; the rest of the settings is here.
      tsconfigRaw: "{}",
      ...options
    })
    return { _tag: "Made", bundle: await StaticContent.make(outputFiles[0]!.contents, quality) }
  } catch (error) {
    return { _tag: "Failed", reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Properties that are written shorter in the chat, which makes it 250 bytes less, gzipped: the Markdown parser's, and long
 * ones of the chat's own parts. By none of them the chat reads what is the browser's, is kept or sent, or a website gives.
 */
const inner = new RegExp(
  `^(${[
    "token|tokens|len|pending|spaces|indent|indent_len|blockquote_idx|fence_start|fence_end|hr_char|hr_chars|table_state",
    "renderer|add_token|end_token|add_text|set_attr",
    "conversationId|onConversation|addQuestion|addAnswer|removeAnswer|transcript|speech|setUnread|setBusy",
    "renderNext|address|isOpen|relabel|onToggle|onRetry|scrollToEnd|strings|instance|elements|onText|onSend|onStop|onNew|region|reset|flush|dispose",
    "panel|input|say|slot|script|base|page|write|end"
  ].join("|")})$`
)

/**
 * Minifies the chat's style sheet, a string in its script: removes line ends, and shortens custom properties to their first
 * letter, except those with the prefix `--hydracore-`, which websites set.
 */
const inOneLine: Plugin = {
  name: "style",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\bchat[\\/]Style\.ts$/ }, async ({ path }) => ({
      loader: "ts",
      contents: (await readFile(path, "utf8"))
        .replaceAll(/(?<=[;}])\n+/g, "")
        .replaceAll(/(?<=\W--)(?!hydracore-)(\w)[\w-]*/g, "$1")
    }))
}

const makeAll = async (): Promise<Readonly<Record<Name, Outcome>>> => {
  try {
    const [forms, chat] = await Promise.all([
      make("forms", { format: "esm" }),
      // A custom element's private names; no assertions of the Markdown parser's in a visitor's console; and the notice
      // that the parser's licence asks for, which minifying would drop.
      make("chat", {
        format: "esm",
        target: "es2022",
        drop: ["console"],
        mangleProps: inner,
        plugins: [inOneLine],
        banner: { js: "/*! streaming-markdown: MIT */" }
      })
    ])
    // The tracker names the version of the enhancer that it loads; without one, whichever is served.
    const file = forms._tag === "Made" ? hashedName("forms", forms.bundle.hash) : "forms.js"
    return { forms, chat, embed: await make("embed", { format: "iife", define: { FORMS_FILE: JSON.stringify(file) } }) }
  } finally {
    // esbuild's process has nothing left to do.
    await stop()
  }
}

let made: Promise<Readonly<Record<Name, Outcome>>> | undefined

/** The bundles of this process. Never rejects. */
export const all = (): Promise<Readonly<Record<Name, Outcome>>> => {
  made ??= makeAll()
  return made
}
