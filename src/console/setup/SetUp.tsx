/**
 * The settings of a website, in sections. The address names the section that is shown.
 *
 * @module
 */
import type { ComponentType } from "preact"
import { Problems } from "../health/Problems.tsx"
import { linkTo, useAddress } from "../Location.ts"
import type { PageProps } from "../parts/Page.ts"
import { useRevealed } from "../parts/Reveal.ts"
import * as Texts from "../texts/SetUp.ts"
import { Assistants } from "./Assistants.tsx"
import { Data } from "./Data.tsx"
import { Forms } from "./Forms.tsx"
import { Goals } from "./Goals.tsx"
import { Keys } from "./Keys.tsx"
import { Mails } from "./Mails.tsx"
import { Snippets } from "./Snippets.tsx"
import { Webhooks } from "./Webhooks.tsx"
import { Website } from "./Website.tsx"

const sections: Readonly<Record<keyof typeof Texts.sections, ComponentType<PageProps>>> = {
  install: Snippets,
  problems: Problems,
  website: Website,
  goals: Goals,
  forms: Forms,
  mails: Mails,
  webhooks: Webhooks,
  assistants: Assistants,
  keys: Keys,
  data: Data
}

/** The sections for owners only. */
const ownerSections: ReadonlyArray<string> = ["keys"]

export const SetUp = (props: PageProps) => {
  const { item } = useAddress()
  const names = (Object.keys(sections) as ReadonlyArray<keyof typeof sections>).filter(
    (name) => props.isOwner || !ownerSections.includes(name)
  )
  const current = names.find((name) => name === item) ?? "install"
  const Current = sections[current]
  const row = useRevealed(current)
  return (
    <div class="setup">
      <nav aria-label={Texts.title} ref={row}>
        {names.map((name) => (
          <a key={name} href={linkTo({ item: name, view: {} })} aria-current={name === current ? "page" : undefined}>
            {Texts.sections[name]}
          </a>
        ))}
      </nav>
      <div class="settings" key={current}>
        <h1 class="sr-only">{Texts.sections[current]}</h1>
        <Current {...props} />
      </div>
    </div>
  )
}
