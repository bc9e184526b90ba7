/**
 * What counts as a conversion.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/SetUp.ts"
import { ConfirmChange, FormDialog } from "./Dialogs.tsx"
import { ChoiceField, TextField, useFields } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

type Goal = Answer<"GET /v1/owner/sites/:site_id/goals">["goals"][number]

interface DialogProps {
  readonly siteId: string
  readonly onClose: () => void
}

const Create = ({ onClose, siteId }: DialogProps) => {
  const change = useChange("POST /v1/owner/sites/:site_id/goals")
  const fields = useFields({ kind: "page" as Goal["kind"], value: "", name: "" }, change.failure)
  const { kind, name, value } = fields.values
  const close = useWhileShown(onClose)
  return (
    <FormDialog
      title={Texts.goals.add}
      submit={Texts.create}
      isBusy={change.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        change.run(
          { params: { site_id: siteId }, body: { kind, value: value.trim(), ...(name.trim() && { name }) } },
          close
        )
      }
    >
      <ChoiceField
        label={Texts.goals.kind}
        choices={[
          ["page", Texts.goals.kinds.page],
          ["event", Texts.goals.kinds.event]
        ]}
        {...fields.choice("kind")}
      />
      <TextField
        label={Texts.goals.values[kind]}
        hint={Texts.goals.hints[kind]}
        placeholder={kind === "page" ? "/thanks*" : "Signup"}
        {...fields.text("value")}
      />
      <TextField label={Texts.optional(Texts.goals.name)} {...fields.text("name")} />
    </FormDialog>
  )
}

const Remove = ({ goal, onClose, siteId }: DialogProps & { readonly goal: Goal }) => (
  <ConfirmChange
    operation="DELETE /v1/owner/sites/:site_id/goals/:goal_id"
    input={{ params: { site_id: siteId, goal_id: goal.goal_id } }}
    title={Texts.goals.confirm(goal.name)}
    body={Texts.goals.confirmBody}
    yes={Texts.remove}
    onClose={onClose}
  />
)

export const Goals = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [dialog, setDialog] = useState<"create" | Goal>()
  const goals = useAnswer("GET /v1/owner/sites/:site_id/goals", { params: { site_id: siteId } }, siteId)
  const close = () => setDialog(undefined)
  const first = {
    label: Texts.goals.add,
    onClick: () => setDialog("create"),
    command: `hydracore goal create --site ${siteId} --page '/thanks*'`
  }
  return (
    <Section title={Texts.sections.goals} note={Texts.goals.note} actions={isOwner && <AddButton {...first} />}>
      <Rows
        resource={goals}
        items={({ goals }) => goals}
        empty={Texts.goals.empty}
        first={isOwner && first}
        row={(goal) => (
          <Row key={goal.goal_id} title={goal.name} facts={`${Texts.goals.kinds[goal.kind]}: ${goal.value}`}>
            {isOwner && (
              <button type="button" class="button" onClick={() => setDialog(goal)}>
                {Texts.remove}
              </button>
            )}
          </Row>
        )}
      />
      {goals.value !== undefined && <p class="muted">{Texts.goals.builtIn(goals.value.built_in)}</p>}
      {dialog === "create" && <Create siteId={siteId} onClose={close} />}
      {dialog !== undefined && dialog !== "create" && <Remove siteId={siteId} goal={dialog} onClose={close} />}
    </Section>
  )
}
