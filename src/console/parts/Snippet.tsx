/**
 * A command or a tag, with a button that copies it, and a command as the other way to do what a button does.
 *
 * @module
 */
import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import * as Texts from "../Texts.ts"
import { Icon } from "./Icon.tsx"

export const Snippet = ({ text }: { readonly text: string }) => {
  const [isCopied, setCopied] = useState(false)
  const copy = () =>
    navigator.clipboard?.writeText(text).then(
      () => {
        setCopied(true)
        setTimeout(() => setCopied(false), 2_000)
      },
      () => {}
    )
  return (
    <div class="snippet">
      <pre>
        <code>{text}</code>
      </pre>
      <button type="button" class="button" onClick={copy}>
        <Icon name={isCopied ? "check" : "copy"} />
        <span aria-live="polite">{isCopied ? Texts.copy.copied : Texts.copy.copy}</span>
      </button>
    </div>
  )
}

/** The command that does the same as the button above, and what it prints; hidden until a person wants it. */
export const OnCommandLine = ({
  children,
  command
}: {
  readonly command: string
  readonly children?: ComponentChildren
}) => (
  <details class="on-command-line">
    <summary>{Texts.onCommandLine}</summary>
    <Snippet text={command} />
    {children}
  </details>
)

/** The command that connects an assistant. */
export const connectCommand = (siteId: string): string =>
  `hydracore instance create --site ${siteId} --name Assistant --agent-url https://agent.example.com/v1`
