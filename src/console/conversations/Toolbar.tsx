/**
 * Chooses which conversations are listed, and exports them.
 *
 * @module
 */
import type { Site } from "../frame/Bar.tsx"
import { go } from "../Location.ts"
import { DaysMenu } from "../parts/DaysMenu.tsx"
import { download } from "../parts/Download.ts"
import { Icon } from "../parts/Icon.tsx"
import { Menu } from "../parts/Menu.tsx"
import { Search, useTyped } from "../parts/Search.tsx"
import { type Answer, addressOf } from "../Requests.ts"
import * as Texts from "../Texts.ts"
import * as View from "./View.ts"

type Instance = Answer<"GET /v1/owner/sites/:site_id/instances">["instances"][number]

interface Props {
  readonly site: Site
  readonly view: View.View
  /** Undefined while the instances load. */
  readonly instance: Instance | undefined
  readonly instances: ReadonlyArray<Instance>
}

export const Toolbar = ({ instance, instances, site, view }: Props) => {
  const show = (change: Partial<View.View>, replace = false) =>
    go({ view: View.format({ ...view, ...change }), item: null }, { replace })
  const [typed, setTyped] = useTyped(view.search, (search) => show({ search }, true))
  return (
    <header class="toolbar">
      <nav class="folders" aria-label={Texts.conversations.show}>
        {View.kinds.map((kind) => (
          <button type="button" key={kind} aria-pressed={kind === view.kind} onClick={() => show({ kind })}>
            {Texts.conversations.kinds[kind]}
          </button>
        ))}
      </nav>
      <div class="tools">
        {/* The tools are aligned at the end of the bar. The menu is the first of them, so the others stay in place when it appears. */}
        {instance !== undefined && instances.length > 1 && (
          <Menu
            label={`${Texts.conversations.instance}: ${instance.name}`}
            side="end"
            choices={instances.map(({ instance_id, name }) => ({
              value: instance_id,
              label: name,
              isCurrent: instance_id === instance.instance_id
            }))}
            onChoose={(chosen) => show({ instance: chosen })}
          >
            {instance.name}
          </Menu>
        )}
        <Search label={Texts.inbox.search} value={typed} onInput={setTyped} />
        <DaysMenu timeZone={site.time_zone} days={view.days} onChoose={(days) => show({ days })} />
        <button
          type="button"
          class="button"
          disabled={instance === undefined}
          onClick={() =>
            instance !== undefined &&
            download(
              addressOf("/v1/owner/sites/:site_id/instances/:instance_id/export", {
                params: { site_id: site.site_id, instance_id: instance.instance_id },
                query: View.toFilter(view)
              })
            )
          }
        >
          <Icon name="export" />
          {Texts.inbox.export}
        </button>
      </div>
    </header>
  )
}
