/**
 * Who may see a website: people with a session or a link, and anyone with the URL of a shared dashboard.
 *
 * @module
 */
import { Message } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import * as Texts from "../Texts.ts"
import { Dashboards } from "./Dashboards.tsx"
import { People } from "./People.tsx"

export const Sharing = ({ isOwner, ...page }: PageProps) =>
  isOwner ? (
    <div class="sharing">
      <h1 class="sr-only">{Texts.pages.sharing}</h1>
      <People {...page} />
      <Dashboards site={page.site} />
    </div>
  ) : (
    <Message title={Texts.onlyOwners.title}>
      <p>{Texts.onlyOwners.body}</p>
    </Message>
  )
