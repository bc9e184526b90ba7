/**
 * The agents that a website's visitors chat with.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { Dialog } from "../parts/Dialog.tsx"
import { Menu } from "../parts/Menu.tsx"
import type { PageProps } from "../parts/Page.ts"
import { Problem } from "../parts/Problem.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Assistants.ts"
import * as Common from "../texts/SetUp.ts"
import { AnswerCheck } from "./AnswerCheck.tsx"
import { AssistantForm } from "./AssistantForm.tsx"
import { ConfirmChange } from "./Dialogs.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"
import { Tokens } from "./Tokens.tsx"
import { TryAssistant } from "./TryAssistant.tsx"

type Instance = Answer<"GET /v1/owner/sites/:site_id/instances">["instances"][number]

interface InstanceProps {
  readonly siteId: string
  readonly instance: Instance
}

const Remove = ({ instance, onClose, siteId }: InstanceProps & { readonly onClose: () => void }) => (
  <ConfirmChange
    operation="DELETE /v1/owner/sites/:site_id/instances/:instance_id"
    input={{ params: { site_id: siteId, instance_id: instance.instance_id } }}
    title={Texts.confirm(instance.name)}
    body={Texts.confirmBody}
    yes={Common.remove}
    onClose={onClose}
  />
)

/** Loads the settings, and then shows their form. The form does not begin with cached settings, which may be old. */
const Edit = ({ instance, onClose, siteId }: InstanceProps & { readonly onClose: () => void }) => {
  const { failure, isFresh, value } = useAnswer(
    "GET /v1/owner/sites/:site_id/instances/:instance_id",
    { params: { site_id: siteId, instance_id: instance.instance_id } },
    instance.instance_id
  )
  if (value !== undefined && isFresh) {
    return <AssistantForm siteId={siteId} settings={value} onClose={onClose} onSaved={onClose} />
  }
  return (
    <Dialog title={Texts.edit(instance.name)} onClose={onClose}>
      {failure === undefined ? (
        <div class="loading" aria-busy="true" />
      ) : (
        <Problem failure={failure} gone={Common.gone} />
      )}
    </Dialog>
  )
}

type Open =
  | "create"
  | { readonly dialog: "edit" | "remove"; readonly instance: Instance }
  | { readonly dialog: "try"; readonly instance: Pick<Instance, "instance_id" | "name"> }

export const Assistants = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [open, setOpen] = useState<Open>()
  const instances = useAnswer("GET /v1/owner/sites/:site_id/instances", { params: { site_id: siteId } }, siteId)
  const close = () => setOpen(undefined)
  return (
    <Section
      title={Common.sections.assistants}
      note={Texts.note}
      actions={isOwner && <AddButton label={Texts.add} onClick={() => setOpen("create")} />}
    >
      <Rows
        resource={instances}
        items={({ instances }) => instances}
        empty={Texts.empty}
        row={(instance) => (
          <li key={instance.instance_id} class="assistant">
            <ul class="rows">
              <Row
                title={instance.name}
                facts={[
                  Texts.protocols[instance.agent_protocol],
                  ...(instance.agent_model === null ? [] : [instance.agent_model]),
                  Texts.memories[instance.memory]
                ].join(" · ")}
              >
                {isOwner && (
                  <>
                    <button type="button" class="button" onClick={() => setOpen({ dialog: "try", instance })}>
                      {Texts.trial.action}
                    </button>
                    <Menu
                      label={Common.more(instance.name)}
                      side="end"
                      choices={[
                        { value: "edit" as const, label: Common.edit },
                        { value: "remove" as const, label: Common.remove, hasSeparator: true }
                      ]}
                      onChoose={(dialog) => setOpen({ dialog, instance })}
                    >
                      {Common.moreShort}
                    </Menu>
                  </>
                )}
              </Row>
            </ul>
            <AnswerCheck siteId={siteId} instance={instance} isOwner={isOwner} />
            <Tokens siteId={siteId} instanceId={instance.instance_id} isOwner={isOwner} />
          </li>
        )}
      />
      {open === "create" && (
        <AssistantForm
          siteId={siteId}
          settings={null}
          onClose={close}
          onSaved={(instance) => setOpen({ dialog: "try", instance })}
        />
      )}
      {typeof open === "object" && open.dialog === "try" && (
        <TryAssistant siteId={siteId} instance={open.instance} onClose={close} />
      )}
      {typeof open === "object" && open.dialog === "edit" && (
        <Edit siteId={siteId} instance={open.instance} onClose={close} />
      )}
      {typeof open === "object" && open.dialog === "remove" && (
        <Remove siteId={siteId} instance={open.instance} onClose={close} />
      )}
    </Section>
  )
}
