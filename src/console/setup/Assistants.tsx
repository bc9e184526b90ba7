/**
 * The agents that a website's visitors chat with.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import { useChange } from "../parts/Change.ts"
import { Dialog } from "../parts/Dialog.tsx"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import { lazy } from "../parts/Lazy.tsx"
import { Menu } from "../parts/Menu.tsx"
import { Problem } from "../parts/Message.tsx"
import type { PageProps } from "../parts/Page.ts"
import { connectCommand } from "../parts/Snippet.tsx"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Assistants.ts"
import * as Common from "../texts/SetUp.ts"
import { AnswerCheck } from "./AnswerCheck.tsx"
import { AssistantForm } from "./AssistantForm.tsx"
import { ConfirmChange, FormDialog } from "./Dialogs.tsx"
import { TextField } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"
import { TokenList, useTokens, validTokens } from "./Tokens.tsx"

type Result = Answer<"POST /v1/owner/sites/:site_id/instances/:instance_id/test">

const Markdown = lazy(() => import("../conversations/Markdown.tsx").then(({ Markdown }) => Markdown))

const Outcome = ({ result }: { readonly result: Result }) => {
  const { first_word_millis, problem, status, text } = result
  if (problem !== null) {
    return (
      <>
        <p class="bad">{Texts.trial.problem(Texts.trial.problems[problem], status)}</p>
        <p class="muted">{Texts.trial.advice[problem]}</p>
      </>
    )
  }
  if (text === null || first_word_millis === null) return <p class="good">{Texts.trial.onlyReasoned}</p>
  return (
    <>
      <p class="good">{Texts.trial.firstWord(Format.elapsed(first_word_millis))}</p>
      <blockquote>
        <Markdown text={text} />
      </blockquote>
    </>
  )
}

interface TryProps {
  readonly siteId: string
  readonly instance: { readonly instance_id: string; readonly name: string }
  readonly onClose: () => void
}

/** Sends a question to an assistant's agent, and shows the answer. */
const TryAssistant = ({ instance, onClose, siteId }: TryProps) => {
  const [question, setQuestion] = useState<string>(Texts.trial.example)
  const [result, setResult] = useState<Result>()
  const change = useChange("POST /v1/owner/sites/:site_id/instances/:instance_id/test")
  return (
    <FormDialog
      title={Texts.trial.title(instance.name)}
      submit={change.isBusy ? Texts.trial.busy : Texts.trial.ask}
      cancel={Texts.trial.close}
      isBusy={change.isBusy}
      isSaved={false}
      message={messageOf(change.failure, ["question"])}
      onClose={onClose}
      onSubmit={() => {
        setResult(undefined)
        change.run({ params: { site_id: siteId, instance_id: instance.instance_id }, body: { question } }, setResult)
      }}
    >
      <TextField
        label={Texts.trial.question}
        hint={Texts.trial.hint}
        rows={2}
        value={question}
        onInput={setQuestion}
        fault={faultOf(change.failure, "question")}
      />
      <div class="tried" role="status">
        {change.isBusy && <p class="muted">{Texts.trial.waiting}</p>}
        {result !== undefined && <Outcome result={result} />}
      </div>
    </FormDialog>
  )
}

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

interface ItemProps extends InstanceProps {
  readonly isOwner: boolean
  readonly onOpen: (dialog: "try" | "edit" | "remove") => void
}

/** An assistant with its tokens, and whether it answers. */
const Item = ({ instance, isOwner, onOpen, siteId }: ItemProps) => {
  const tokens = useTokens(siteId, instance.instance_id)
  return (
    <li class="assistant">
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
              <button type="button" class="button" onClick={() => onOpen("try")}>
                {Texts.trial.action}
              </button>
              <Menu
                label={Common.more(instance.name)}
                side="end"
                choices={[
                  { value: "edit" as const, label: Common.edit },
                  { value: "remove" as const, label: Common.remove, hasSeparator: true }
                ]}
                onChoose={onOpen}
              >
                {Common.moreShort}
              </Menu>
            </>
          )}
        </Row>
      </ul>
      <AnswerCheck
        siteId={siteId}
        instance={instance}
        isOwner={isOwner}
        hasToken={tokens.value !== undefined && validTokens(tokens.value).length > 0}
        isBesideTry
      />
      <TokenList siteId={siteId} instanceId={instance.instance_id} isOwner={isOwner} tokens={tokens} />
    </li>
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
  const first = { label: Texts.add, onClick: () => setOpen("create"), command: connectCommand(siteId) }
  return (
    <Section title={Common.sections.assistants} note={Texts.note} actions={isOwner && <AddButton {...first} />}>
      <Rows
        resource={instances}
        items={({ instances }) => instances}
        empty={Texts.empty}
        first={isOwner && first}
        row={(instance) => (
          <Item
            key={instance.instance_id}
            siteId={siteId}
            instance={instance}
            isOwner={isOwner}
            onOpen={(dialog) => setOpen({ dialog, instance })}
          />
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
