/**
 * Sends a question to an assistant's agent, and shows the answer.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Format from "../Format.ts"
import { useChange } from "../parts/Change.ts"
import { faultOf, messageOf } from "../parts/FailureText.ts"
import type { Answer } from "../Requests.ts"
import * as Texts from "../texts/Assistants.ts"
import { FormDialog } from "./Dialogs.tsx"
import { TextField } from "./Fields.tsx"

type Result = Answer<"POST /v1/owner/sites/:site_id/instances/:instance_id/test">

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
      <blockquote dir="auto">{text}</blockquote>
    </>
  )
}

interface Props {
  readonly siteId: string
  readonly instance: { readonly instance_id: string; readonly name: string }
  readonly onClose: () => void
}

export const TryAssistant = ({ instance, onClose, siteId }: Props) => {
  const [question, setQuestion] = useState<string>(Texts.trial.example)
  const [result, setResult] = useState<Result>()
  const change = useChange("POST /v1/owner/sites/:site_id/instances/:instance_id/test")
  return (
    <FormDialog
      title={Texts.trial.title(instance.name)}
      submit={change.isBusy ? Texts.trial.busy : Texts.trial.ask}
      cancel={Texts.trial.close}
      isDisabled={change.isBusy}
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
