/**
 * Chooses which submissions are listed, and exports them.
 *
 * @module
 */
import { go } from "../Location.ts"
import { DaysMenu } from "../parts/DaysMenu.tsx"
import { download } from "../parts/Download.ts"
import { Icon } from "../parts/Icon.tsx"
import { Menu } from "../parts/Menu.tsx"
import { Search, useTyped } from "../parts/Search.tsx"
import { addressOf } from "../Requests.ts"
import * as Texts from "../Texts.ts"
import * as View from "./View.ts"

interface Props {
  readonly siteId: string
  readonly timeZone: string
  readonly view: View.View
  readonly quarantinedCount: number
  readonly forms: ReadonlyArray<string>
}

export const Toolbar = ({ forms, quarantinedCount, siteId, timeZone, view }: Props) => {
  const show = (change: Partial<View.View>, replace = false) =>
    go({ view: View.format({ ...view, ...change }), item: null }, { replace })
  const [typed, setTyped] = useTyped(view.search, (search) => show({ search }, true))
  return (
    <header class="toolbar">
      <nav class="folders" aria-label={Texts.inbox.folder}>
        {View.folders.map((folder) => (
          <button
            type="button"
            key={folder}
            aria-pressed={folder === view.folder}
            onClick={() => show({ folder, isUnreadOnly: false })}
          >
            {Texts.inbox.folders[folder]}
            {folder === "quarantined" && quarantinedCount > 0 && <span class="count">{quarantinedCount}</span>}
          </button>
        ))}
      </nav>
      <div class="tools">
        {/* The tools are aligned to the end of the row, so that the first of them can appear later without moving the others. */}
        {(forms.length > 1 || view.form !== "") && (
          <Menu
            label={`${Texts.inbox.form}: ${view.form || Texts.inbox.allForms}`}
            side="end"
            choices={[
              { value: "", label: Texts.inbox.allForms, isCurrent: view.form === "" },
              ...forms.map((form, index) => ({
                value: form,
                label: form,
                isCurrent: form === view.form,
                hasSeparator: index === 0
              }))
            ]}
            onChoose={(form) => show({ form })}
          >
            {view.form || Texts.inbox.allForms}
          </Menu>
        )}
        <Search label={Texts.inbox.search} value={typed} onInput={setTyped} />
        {view.folder === "accepted" && (
          <button
            type="button"
            class="button toggle"
            aria-pressed={view.isUnreadOnly}
            onClick={() => show({ isUnreadOnly: !view.isUnreadOnly })}
          >
            {Texts.inbox.unreadOnly}
          </button>
        )}
        <DaysMenu timeZone={timeZone} days={view.days} onChoose={(days) => show({ days })} />
        <Menu
          label={Texts.inbox.export}
          side="end"
          hasChevron={false}
          choices={(["csv", "ndjson"] as const).map((format) => ({
            value: format,
            label: Texts.inbox.exports[format]
          }))}
          onChoose={(format) =>
            download(
              addressOf("/v1/owner/sites/:site_id/submissions/export", {
                params: { site_id: siteId },
                query: { ...View.toFilter(view), format }
              })
            )
          }
        >
          <Icon name="export" />
          {Texts.inbox.export}
        </Menu>
      </div>
    </header>
  )
}
